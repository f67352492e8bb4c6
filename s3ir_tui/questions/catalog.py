"""The questions, each with its one SQL text."""

from __future__ import annotations

from s3ir_tui.questions.question import Parameter, Question, QuestionError
from s3ir_tui.settings import nearest

_NO_DATA_EVENTS = "Reads and writes of objects are in it only where the trail logged S3 data events."

_ACTOR = Parameter("actor", "actor", "access key id, or ARN of a user, role or session")
_BUCKET = Parameter("bucket", "bucket", "name of the bucket")
_ANY_BUCKET = Parameter("bucket", "bucket", "name of the bucket; any where it is left out", "")
_KEY = Parameter("key", "key", "key of the object, whole")

CATALOG: tuple[Question, ...] = (
    Question(
        "who-touched-key",
        "Who touched this key?",
        "each identity, credential and address that called something on the object, with first and last call",
        f"{_NO_DATA_EVENTS} A CopyObject stands under the key that it wrote; a DeleteObjects names its keys only where "
        "the trail kept its AwsServiceEvents.",
        """SELECT principal, access_key, address, name,
  SUM(CASE WHEN error = '' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN error = '' THEN 0 ELSE 1 END) AS failed,
  SUM(bytes_out) AS bytes_out, MIN(time) AS first_seen, MAX(time) AS last_seen
FROM events
WHERE key = :key AND (:bucket = '' OR bucket = :bucket)
GROUP BY principal, access_key, address, name
ORDER BY first_seen, principal, access_key, address, name""",
        (_KEY, _ANY_BUCKET),
    ),
    Question(
        "key-history",
        "What happened to the objects under this prefix?",
        "every call on a key that begins so, in the order of time",
        _NO_DATA_EVENTS,
        """SELECT time, name, principal, access_key, address, bucket, key, error, bytes_in, bytes_out, id
FROM events
WHERE bucket = :bucket AND key <> '' AND substr(key, 1, length(:prefix)) = :prefix
ORDER BY time, id""",
        (_BUCKET, Parameter("prefix", "key", "first characters of the keys; any where it is left out", "")),
    ),
    Question(
        "top-readers",
        "Who read most?",
        "identities and buckets by bytes read, with the number of different objects",
        f"{_NO_DATA_EVENTS} Copies within S3 are not counted as reads: they show as CopyObject.",
        """SELECT principal, bucket,
  SUM(CASE WHEN error = '' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN error = '' THEN 0 ELSE 1 END) AS failed,
  COUNT(DISTINCT CASE WHEN error = '' THEN key END) AS objects, SUM(bytes_out) AS bytes_out,
  MIN(time) AS first_seen, MAX(time) AS last_seen
FROM events
WHERE name IN ('GetObject', 'SelectObjectContent', 'GetObjectTorrent') AND (:bucket = '' OR bucket = :bucket)
GROUP BY principal, bucket
ORDER BY bytes_out DESC, succeeded DESC, principal, bucket""",
        (_ANY_BUCKET,),
    ),
    Question(
        "bulk-reads",
        "Who read in bulk, by the hour?",
        "hours in which one identity read many objects of one bucket",
        _NO_DATA_EVENTS,
        """SELECT substr(time, 1, 13) || ':00Z' AS hour, principal, bucket, COUNT(*) AS reads,
  COUNT(DISTINCT key) AS objects, SUM(bytes_out) AS bytes_out
FROM events
WHERE name IN ('GetObject', 'SelectObjectContent', 'GetObjectTorrent') AND error = ''
  AND (:bucket = '' OR bucket = :bucket)
GROUP BY substr(time, 1, 13) || ':00Z', principal, bucket
HAVING COUNT(*) >= :least
ORDER BY reads DESC, hour, principal, bucket""",
        (Parameter("least", "count", "reads in an hour that count as bulk", "100"), _ANY_BUCKET),
    ),
    Question(
        "credential",
        "What did this credential do?",
        "calls of a key, user, role or session by name, bucket and address",
        "Sessions that it made have keys of their own: ask for each, or for the role.",
        """SELECT service, name, bucket, address,
  SUM(CASE WHEN error = '' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN error = '' THEN 0 ELSE 1 END) AS failed,
  SUM(bytes_in) AS bytes_in, SUM(bytes_out) AS bytes_out, MIN(time) AS first_seen, MAX(time) AS last_seen
FROM events
WHERE :actor IN (access_key, principal, issuer)
GROUP BY service, name, bucket, address
ORDER BY first_seen, service, name, bucket, address""",
        (_ACTOR,),
    ),
    Question(
        "bucket-changes",
        "What changed on this bucket?",
        "calls that change the bucket itself (policy, ACL, Block Public Access, replication, ...), denied ones too",
        "What an account-wide setting did to the bucket stands under no bucket.",
        """SELECT time, name, principal, access_key, address, error, message, id
FROM events
WHERE bucket = :bucket AND category <> 'Data' AND NOT read_only
ORDER BY time, id""",
        (_BUCKET,),
    ),
    Question(
        "other-buckets",
        "Which other buckets did this actor touch?",
        "every bucket that a key, user, role or session called something on, but for the one that is known",
        _NO_DATA_EVENTS,
        """SELECT bucket,
  SUM(CASE WHEN error = '' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN error = '' THEN 0 ELSE 1 END) AS failed,
  SUM(CASE WHEN read_only THEN 1 ELSE 0 END) AS read_calls, SUM(CASE WHEN read_only THEN 0 ELSE 1 END) AS write_calls,
  SUM(bytes_out) AS bytes_out, MIN(time) AS first_seen, MAX(time) AS last_seen
FROM events
WHERE :actor IN (access_key, principal, issuer) AND bucket <> '' AND bucket <> :known
GROUP BY bucket
ORDER BY succeeded DESC, bucket""",
        (_ACTOR, Parameter("known", "bucket", "the bucket that is known already", "")),
    ),
    Question(
        "before-during-after",
        "Which calls were there before, during and after the incident?",
        "calls by name in three windows: successes, and failures beside them",
        "The windows are as long as they are given: compare rates, not numbers, where their lengths differ.",
        """SELECT service, name,
  SUM(CASE WHEN error = '' AND time < :start THEN 1 ELSE 0 END) AS before_ok,
  SUM(CASE WHEN error = '' AND time BETWEEN :start AND :end THEN 1 ELSE 0 END) AS during_ok,
  SUM(CASE WHEN error = '' AND time > :end THEN 1 ELSE 0 END) AS after_ok,
  SUM(CASE WHEN error <> '' AND time < :start THEN 1 ELSE 0 END) AS before_failed,
  SUM(CASE WHEN error <> '' AND time BETWEEN :start AND :end THEN 1 ELSE 0 END) AS during_failed,
  SUM(CASE WHEN error <> '' AND time > :end THEN 1 ELSE 0 END) AS after_failed
FROM events
WHERE time BETWEEN :before AND :after AND (:bucket = '' OR bucket = :bucket)
GROUP BY service, name
ORDER BY during_ok DESC, before_ok DESC, after_ok DESC, service, name""",
        (
            Parameter("start", "time", "when the incident began"),
            Parameter("end", "time", "when it ended"),
            _ANY_BUCKET,
            Parameter("before", "time", "where the window before begins", "0001-01-01T00:00:00Z"),
            Parameter("after", "time", "where the window after ends", "9999-12-31T23:59:59Z"),
        ),
    ),
    Question(
        "addresses",
        "From where was this credential used?",
        "addresses and user agents of a key, user, role or session",
        "Calls that AWS services made for it show the service's name as their address.",
        """SELECT address, agent,
  SUM(CASE WHEN error = '' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN error = '' THEN 0 ELSE 1 END) AS failed,
  COUNT(DISTINCT access_key) AS access_keys, MIN(time) AS first_seen, MAX(time) AS last_seen
FROM events
WHERE :actor IN (access_key, principal, issuer)
GROUP BY address, agent
ORDER BY first_seen, address, agent""",
        (_ACTOR,),
    ),
    Question(
        "refused",
        "Who was refused what?",
        "calls that failed, by identity, name, bucket and error",
        "Requests with credentials that do not exist are not in CloudTrail at all.",
        """SELECT principal, name, bucket, error, COUNT(*) AS failed, COUNT(DISTINCT address) AS addresses,
  MIN(time) AS first_seen, MAX(time) AS last_seen
FROM events
WHERE error <> '' AND (:bucket = '' OR bucket = :bucket)
GROUP BY principal, name, bucket, error
ORDER BY failed DESC, principal, name, bucket, error""",
        (_ANY_BUCKET,),
    ),
)


def question(name: str) -> Question:
    """The question of that name.

    Raises:
        QuestionError: There is none.
    """
    found = next((item for item in CATALOG if item.id == name), None)
    if found is None:
        raise QuestionError(
            f"no question {name}{nearest(name, [item.id for item in CATALOG])}; `s3ir-tui ask` lists them"
        )
    return found
