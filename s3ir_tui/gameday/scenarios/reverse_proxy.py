"""A misconfigured reverse proxy handed out the credentials of its instance's role."""

from __future__ import annotations

from s3ir_tui.gameday.history import past_work
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Attack, Credential, Each, Job, Move, Scenario, World
from s3ir_tui.gameday.seeding import REGION, Seed, allow, bucket_arns, trust
from s3ir_tui.model import utc_now

CUSTOMERS, CONTENT, TRAIL = "customer-records-2026", "web-content", "trail-logs"
PROXY_ROLE, BACKUP_ROLE = "web-proxy-role", "backup-role"
_ATTACKER_ADDRESS = "203.0.113.7"

_CUSTOMER_OBJECTS = {
    f"{region}/{name}.csv": 16_000 + 2_100 * number
    for region in ("emea", "amer", "apac")
    for number, name in enumerate(
        ("applications", "accounts", "addresses", "cards", "scores", "contacts", "consents", "complaints")
    )
}
_CONTENT_OBJECTS = {f"pages/{number:03d}.html": 6_000 + 250 * number for number in range(14)}


def seed(server: AccountServer) -> World:
    """Build the account: two instances behind one role, a second role that trusts it, and the work that uses them."""
    account = Seed(server)
    account.bucket(CUSTOMERS, _CUSTOMER_OBJECTS)
    account.bucket(CONTENT, _CONTENT_OBJECTS)

    proxy_role = account.role(
        PROXY_ROLE,
        trust({"Service": "ec2.amazonaws.com"}),
        allow(["s3:ListAllMyBuckets"]),
        allow(["s3:GetObject", "s3:ListBucket"], bucket_arns(CUSTOMERS, CONTENT)),
        allow(["sts:AssumeRole"], [f"arn:aws:iam::{account.account}:role/{BACKUP_ROLE}"]),
    )
    backup_role = account.role(
        BACKUP_ROLE,
        trust({"AWS": proxy_role}),
        allow(["s3:GetObject", "s3:ListBucket", "s3:GetBucketPolicy"], bucket_arns(CUSTOMERS)),
        # Somebody let the backup job tidy up role policies: with it the chained session can lift a revocation.
        allow(["iam:ListRolePolicies", "iam:DeleteRolePolicy"], [proxy_role]),
    )
    profile = account.profile(PROXY_ROLE)
    leaky, leaky_address = account.instance("web-proxy-1", profile, imds_v1=True)
    sound, sound_address = account.instance("web-proxy-2", profile, imds_v1=False)
    stolen = account.instance_session("stolen-role-session", proxy_role, leaky, (_ATTACKER_ADDRESS,))

    reader = account.user(
        "bi-reader", allow(["s3:GetObject", "s3:ListBucket"], bucket_arns(CUSTOMERS)), addresses=("10.0.7.30",)
    )
    jobs = (
        Job("bi-reader", reader, CUSTOMERS, prefix="emea/"),
        Job(
            "web-proxy-2",
            account.instance_session("web-proxy-2", proxy_role, sound, (sound_address,)),
            CUSTOMERS,
            prefix="amer/",
            user_agent="Boto3/1.40.1 md/Botocore#1.40.1 web-proxy/3.2",
        ),
        Job(
            "web-proxy-1",
            account.instance_session("web-proxy-1", proxy_role, leaky, (leaky_address,)),
            CONTENT,
            prefix="pages/",
            user_agent="Boto3/1.40.1 md/Botocore#1.40.1 web-proxy/3.2",
        ),
    )
    responder, break_glass = account.responder(), account.break_glass()
    account.trail(TRAIL, (CUSTOMERS, CONTENT))
    server.control(
        "inject",
        past_work(
            jobs,
            account=account.account,
            region=REGION,
            until=utc_now(),
            keys=(*_CUSTOMER_OBJECTS, *_CONTENT_OBJECTS),
        ),
    )
    return World(
        account_id=account.account,
        region=REGION,
        responder=responder,
        attack=_attack(stolen, backup_role),
        jobs=jobs,
        buckets=(CUSTOMERS,),
        principals=(proxy_role, backup_role),
        instances=(leaky,),
        break_glass=(break_glass,),
        trail_bucket=TRAIL,
    )


def _attack(stolen: Credential, backup_role: str) -> Attack:
    chained = "backup-session"
    assume = Move(
        "mint",
        "sts",
        "AssumeRole",
        {"RoleArn": backup_role, "RoleSessionName": "nightly-check"},
        by=(stolen.name,),
        mints=chained,
    )
    return Attack(
        user_agent="aws-cli/1.16.280 Python/3.7.3 Linux/4.19.0-kali5-amd64 botocore/1.13.16",
        credentials=(stolen,),
        buckets=(CUSTOMERS,),
        opening=(
            Move("recon", "sts", "GetCallerIdentity"),
            Move("recon", "s3", "ListBuckets", by=(stolen.name,)),
            assume,
            Move("recon", "s3", "GetBucketPolicy", {"Bucket": CUSTOMERS}, by=(chained,)),
        ),
        undo=(
            assume,
            *(
                Move(
                    "undo",
                    "iam",
                    "DeleteRolePolicy",
                    {"RoleName": role, "PolicyName": "AWSRevokeOlderSessions"},
                )
                for role in (PROXY_ROLE, BACKUP_ROLE)
            ),
            Move("undo", "s3", "DeleteBucketPolicy", {"Bucket": CUSTOMERS}),
            Move(
                "undo",
                "iam",
                "DeleteRolePolicy",
                {"RoleName": PROXY_ROLE},
                each=Each("ListRolePolicies", "PolicyNames", "PolicyName"),
            ),
        ),
    )


SCENARIO = Scenario(
    name="reverse-proxy",
    title="A reverse proxy leaked its role",
    story=(
        "A crafted Host header made the reverse proxy on web-proxy-1 relay a request to the instance metadata "
        "service, which still answers version 1: the credentials of web-proxy-role left the house, once. The proxy's "
        "configuration is mended since, so no new ones can be fetched that way, but the stolen ones are good for "
        "hours. They read customer records from outside. web-proxy-2 serves customers through the same role, "
        "bi-reader reads the same bucket."
    ),
    seed=seed,
)
