"""`trail verify` with real clients: ListPublicKeys in pages and the metadata of digests, as AWS sends them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from digest_world import HOUR, START, Trail, der, fingerprint, key

from s3ir_tui.aws.account import Account
from s3ir_tui.headless import trail_verify
from s3ir_tui.headless.exits import Code
from s3ir_tui.headless.output import Format

_IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/responder</Arn><UserId>AIDA</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


class Wire:
    """An endpoint that knows the keys of one Region, one a page, and the digests of a trail.

    Args:
        trail: The trail.
    """

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self.numbers = [1, 0]
        self.failures = 0
        self.asked: list[str] = []
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                target = self.headers.get("X-Amz-Target", "")
                if not target:
                    self.answer(200, _IDENTITY.encode(), {"Content-Type": "text/xml"})
                    return
                wire.asked.append(target.rpartition(".")[2])
                if wire.failures:
                    wire.failures -= 1
                    self.answer(400, b'{"__type":"ThrottlingException","message":"Rate exceeded"}')
                else:
                    self.answer(200, json.dumps(wire.page(json.loads(body))).encode())

            def do_HEAD(self) -> None:
                wire.asked.append(f"HEAD {self.path}")
                found = [str(file.relative_to(trail.folder)) for file in trail.digests]
                place = self.path.removeprefix(f"/{trail.bucket}/")
                if place in found:
                    signature = trail.signatures[found.index(place)]
                    self.answer(200, b"", {"x-amz-meta-signature": signature, "Content-Type": "application/gzip"})
                else:
                    self.answer(404, b"")

            def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(status)
                for name, value in ({"Content-Type": "application/x-amz-json-1.1"} | (headers or {})).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One key, and a token where there are more."""
        at = int(asked.get("NextToken", 0))
        private = key(self.numbers[at])
        found = {
            "Value": base64.b64encode(der(private)).decode(),
            "Fingerprint": fingerprint(private),
            "ValidityStartTime": (START - 30 * 24 * HOUR).timestamp(),
            "ValidityEndTime": (START + 30 * 24 * HOUR).timestamp(),
        }
        more = {"NextToken": str(at + 1)} if at + 1 < len(self.numbers) else {}
        return {"PublicKeyList": [found]} | more


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """The endpoint, and two hours of a trail whose copy has no signature of its newest digest."""
    made = Wire(Trail(tmp_path, bucket="trail-logs").hours(2))
    yield made
    made.server.shutdown()
    made.server.server_close()


def verify(wire: Wire, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    account = Account.connect(
        region="us-east-1",
        endpoint_url=f"http://127.0.0.1:{wire.server.server_port}",
        credentials={"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "x"},
    )
    code = trail_verify.online(wire.trail.folder, account, "trail-logs", START + 3 * HOUR, Format.JSON)
    return code, json.loads(capsys.readouterr().out)


def test_keys_of_all_pages_and_the_signature_in_the_metadata_are_taken(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = verify(wire, capsys)
    assert code == Code.OK
    assert found["log_files"] == {"here": 4, "vouched": 4, "not_covered": 0}
    assert wire.asked.count("ListPublicKeys") == 2
    assert sum(line.startswith("HEAD") for line in wire.asked) == 1


def test_throttling_is_waited_out(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    wire.failures = 1
    assert verify(wire, capsys)[0] == Code.OK


def test_a_digest_that_is_gone_from_the_bucket_is_not_vouched(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    wire.trail.signatures.pop()
    gone = wire.trail.digests.pop()
    code, found = verify(wire, capsys)
    assert code == Code.PROBLEM
    assert [problem["file"] for problem in found["problems"] if problem["kind"] == "unsigned"] == [str(gone)]
    assert any("no signature of" in note and "404" in note for note in found["notes"])
