"""Versions, delete markers and batches of deletes are kept and answered as S3 does."""

from __future__ import annotations

from typing import Any

import pytest
from account_world import World, allow, refusal
from botocore.exceptions import ClientError


@pytest.fixture
def s3(world: World) -> Any:
    """A client of a user who may do everything in S3."""
    return world.client("s3", world.user("bob", allow("s3:*")))


def versioning(s3: Any, status: str, bucket: str = "payroll") -> None:
    """Set the state of versioning."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put(s3: Any, body: str, key: str = "k") -> str | None:
    """Upload; the version id that is answered."""
    version: str | None = s3.put_object(Bucket="payroll", Key=key, Body=body.encode()).get("VersionId")
    return version


def history(s3: Any, key: str = "k") -> list[str]:
    """Versions from the newest on: `v` or `m` (marker), `null` or not, and the text of a version."""
    listed = s3.list_object_versions(Bucket="payroll", Prefix=key)
    entries = [("v", item) for item in listed.get("Versions", ())] + [
        ("m", item) for item in listed.get("DeleteMarkers", ())
    ]
    latest = [item["IsLatest"] for _, item in entries]
    assert latest.count(True) == (1 if entries else 0)
    shown = []
    for kind, item in sorted(entries, key=lambda pair: (not pair[1]["IsLatest"], pair[1]["LastModified"])):
        id = "null" if item["VersionId"] == "null" else "id"
        text = ""
        if kind == "v":
            got = s3.get_object(Bucket="payroll", Key=item["Key"], VersionId=item["VersionId"])
            text = got["Body"].read().decode()
        shown.append(f"{kind} {id} {text}".strip())
    return shown


def read(s3: Any, key: str = "k") -> str:
    """The current version's text, or the error code."""
    try:
        return str(s3.get_object(Bucket="payroll", Key=key)["Body"].read().decode())
    except ClientError as error:
        return str(error.response["Error"]["Code"])


def delete(s3: Any, **more: Any) -> tuple[Any, Any]:
    """Delete; whether a marker was involved, and the version id that is answered."""
    answer = s3.delete_object(Bucket="payroll", Key="k", **more)
    return answer.get("DeleteMarker"), answer.get("VersionId")


def test_an_upload_while_versioning_is_suspended_keeps_every_earlier_version(world: World, s3: Any) -> None:
    world.bucket("payroll")
    versioning(s3, "Enabled")
    first, second = put(s3, "one"), put(s3, "two")
    versioning(s3, "Suspended")
    assert put(s3, "ransom") is None
    assert s3.get_object(Bucket="payroll", Key="k")["VersionId"] == "null"
    assert put(s3, "ransom again") is None
    assert sorted(history(s3)) == ["v id one", "v id two", "v null ransom again"]
    assert history(s3)[0] == "v null ransom again"
    for version, text in ((first, b"one"), (second, b"two")):
        assert s3.get_object(Bucket="payroll", Key="k", VersionId=version)["Body"].read() == text
    s3.copy_object(Bucket="payroll", Key="k", CopySource={"Bucket": "payroll", "Key": "k", "VersionId": second})
    assert read(s3) == "two"
    assert sorted(history(s3)) == ["v id one", "v id two", "v null two"]


def test_a_delete_while_versioning_is_suspended_takes_the_null_version_only(world: World, s3: Any) -> None:
    world.bucket("payroll")
    put(s3, "before versioning")
    versioning(s3, "Enabled")
    put(s3, "one")
    versioning(s3, "Suspended")
    assert delete(s3) == (True, "null")
    assert history(s3) == ["m null", "v id one"]
    assert delete(s3) == (True, "null")
    assert history(s3) == ["m null", "v id one"]
    put(s3, "two")
    assert history(s3) == ["v null two", "v id one"]
    versioning(s3, "Enabled")
    marker = delete(s3)
    assert marker[0] is True
    assert marker[1] not in (None, "null")
    assert sorted(history(s3)) == ["m id", "v id one", "v null two"]


@pytest.mark.parametrize(
    ("status", "deletes_by_id", "left"),
    [
        ("Enabled", "null", ["v id one", "v id two"]),
        ("Suspended", "null", ["v id one", "v id two"]),
        ("Enabled", "one", ["v id two", "v null zero"]),
        ("Suspended", "one", ["v id two", "v null zero"]),
        ("Enabled", "gone", ["v id one", "v id two", "v null zero"]),
    ],
)
def test_a_delete_by_version_id_takes_that_version_and_leaves_no_marker(
    world: World, s3: Any, status: str, deletes_by_id: str, left: list[str]
) -> None:
    world.bucket("payroll")
    put(s3, "zero")
    versioning(s3, "Enabled")
    ids = {"null": "null", "one": put(s3, "one"), "gone": put(s3, "gone")}
    put(s3, "two")
    delete(s3, VersionId=ids["gone"])
    versioning(s3, status)
    assert delete(s3, VersionId=ids[deletes_by_id]) == (None, ids[deletes_by_id])
    assert sorted(history(s3)) == left
    assert read(s3) == "two"


def test_removing_the_marker_brings_the_object_back(world: World, s3: Any) -> None:
    world.bucket("payroll")
    versioning(s3, "Enabled")
    put(s3, "one")
    _, first = delete(s3)
    _, second = delete(s3)
    assert delete(s3, VersionId=second) == (True, second)
    assert read(s3) == "NoSuchKey"
    assert delete(s3, VersionId=first) == (True, first)
    assert read(s3) == "one"


def test_a_bucket_that_never_kept_versions_forgets(world: World, s3: Any) -> None:
    world.bucket("payroll")
    assert put(s3, "one") is None
    assert put(s3, "two") is None
    assert history(s3) == ["v null two"]
    assert delete(s3) == (None, None)
    assert history(s3) == []
    put(s3, "three")
    assert delete(s3, VersionId="null") == (None, None)
    assert read(s3) == "NoSuchKey"


def test_a_delete_marker_says_what_it_is(world: World, s3: Any) -> None:
    world.bucket("payroll")
    versioning(s3, "Enabled")
    put(s3, "one")
    _, marker = delete(s3)
    for call, status in ((s3.get_object, 404), (s3.head_object, 404)):
        with pytest.raises(ClientError) as gone:
            call(Bucket="payroll", Key="k")
        headers = gone.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker)
        with pytest.raises(ClientError) as refused:
            call(Bucket="payroll", Key="k", VersionId=marker)
        answer = refused.value.response
        assert answer["Error"]["Code"] in ("MethodNotAllowed", "405")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 405
        assert answer["ResponseMetadata"]["HTTPHeaders"]["allow"] == "DELETE"
        assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
        assert "GMT" in answer["ResponseMetadata"]["HTTPHeaders"]["last-modified"]


def test_versions_are_listed_page_by_page_also_while_they_are_deleted(world: World, s3: Any) -> None:
    world.bucket("payroll")
    versioning(s3, "Enabled")
    made = [put(s3, str(n), key=f"a/{n % 3} +%/é") for n in range(12)]
    made += [s3.delete_object(Bucket="payroll", Key="a/1 +%/é")["VersionId"]]
    put(s3, "other", key="b")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket="payroll", Prefix="a/", PaginationConfig={"PageSize": 2}
    )
    seen = []
    for page in pages:
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        assert len(entries) <= 2
        seen += [item["VersionId"] for item in entries]
        for item in entries:
            s3.delete_object(Bucket="payroll", Key=item["Key"], VersionId=item["VersionId"])
    assert sorted(seen) == sorted(str(version) for version in made)
    assert s3.list_object_versions(Bucket="payroll", Prefix="a/").get("Versions") is None


def test_prefixes_of_versions_are_grouped_by_the_delimiter(world: World, s3: Any) -> None:
    world.bucket("payroll")
    versioning(s3, "Enabled")
    for key in ("a/1", "a/2", "b", "c/1", "c/2/3"):
        put(s3, key, key=key)
    found: list[str] = []
    for page in s3.get_paginator("list_object_versions").paginate(
        Bucket="payroll", Delimiter="/", PaginationConfig={"PageSize": 1}
    ):
        found += [item["Prefix"] for item in page.get("CommonPrefixes", ())]
        found += [item["Key"] for item in page.get("Versions", ())]
    assert found == ["a/", "b", "c/"]


def test_a_batch_of_deletes_makes_markers_is_quiet_when_asked_and_names_what_it_took(world: World, s3: Any) -> None:
    world.bucket("payroll")
    versioning(s3, "Enabled")
    kept = put(s3, "one")
    answer = s3.delete_objects(Bucket="payroll", Delete={"Objects": [{"Key": "k"}, {"Key": "never there"}]})
    assert [item["DeleteMarker"] for item in answer["Deleted"]] == [True, True]
    markers = [item["DeleteMarkerVersionId"] for item in answer["Deleted"]]
    assert history(s3) == ["m id", "v id one"]
    assert history(s3, "never there") == ["m id"]
    objects = [{"Key": "k", "VersionId": markers[0]}, {"Key": "k", "VersionId": kept}]
    answer = s3.delete_objects(Bucket="payroll", Delete={"Objects": objects})
    assert answer["Deleted"] == [
        {"Key": "k", "VersionId": markers[0], "DeleteMarker": True, "DeleteMarkerVersionId": markers[0]},
        {"Key": "k", "VersionId": kept},
    ]
    put(s3, "two")
    quiet = s3.delete_objects(Bucket="payroll", Delete={"Objects": [{"Key": "k"}], "Quiet": True})
    assert "Deleted" not in quiet
    assert read(s3) == "NoSuchKey"
    assert refusal(s3.delete_objects, Bucket="payroll", Delete={"Objects": []}) == "MalformedXML"


def test_an_empty_set_of_tags_takes_all_tags_away(world: World, s3: Any) -> None:
    world.bucket("payroll", k=b"x")
    tag = [{"Key": "class", "Value": "red"}]
    s3.put_object_tagging(Bucket="payroll", Key="k", Tagging={"TagSet": tag})
    assert s3.get_object_tagging(Bucket="payroll", Key="k")["TagSet"] == tag
    s3.put_object_tagging(Bucket="payroll", Key="k", Tagging={"TagSet": []})
    assert s3.get_object_tagging(Bucket="payroll", Key="k")["TagSet"] == []
    assert refusal(s3.put_object_tagging, Bucket="payroll", Key="k", Tagging={"TagSet": tag * 2}) == "InvalidTag"
