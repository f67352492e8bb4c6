"""An IAM user's access key was committed to a public repository, and someone found it."""

from __future__ import annotations

from s3ir_tui.gameday.history import past_work
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Attack, Credential, Each, Job, Move, Scenario, World
from s3ir_tui.gameday.seeding import OUTSIDE_ACCOUNT, REGION, Seed, allow, allow_principal, bucket_arns, document, trust
from s3ir_tui.model import utc_now

USER = "svc-export"
PAYROLL, EXPORTS, TRAIL = "payroll-2026", "exports", "trail-logs"
_ATTACKER_ADDRESS = "203.0.113.7"

_PAYROLL_OBJECTS = {
    f"q{quarter}/{name}.csv": 18_000 + 7_000 * quarter + 1_300 * number
    for quarter in (1, 2, 3)
    for number, name in enumerate(("salaries", "bonus", "iban", "tax-ids", "sick-leave", "addresses", "contracts"))
}
_EXPORT_OBJECTS = {f"nightly/part-{number:04d}": 9_000 + 500 * number for number in range(12)}


def seed(server: AccountServer) -> World:
    """Build the account: the leaked user, an outside account, and the jobs that use the same buckets."""
    account = Seed(server)
    account.bucket(PAYROLL, _PAYROLL_OBJECTS)
    account.bucket(EXPORTS, _EXPORT_OBJECTS, blocked=False)
    account.bucket("hr-templates", {"letters/offer.docx": 21_000, "letters/leave.docx": 17_000})

    leaked = _leaked_user(account)
    app = account.user("payroll-app", allow(["s3:ListAllMyBuckets"]), addresses=("10.0.4.17",))
    etl_role = account.role(
        "etl-role",
        trust({"Service": "ec2.amazonaws.com"}),
        allow(["s3:GetObject", "s3:ListBucket", "s3:PutObject"], bucket_arns(EXPORTS, PAYROLL)),
    )
    host, host_address = account.instance("etl-1", account.profile("etl-role"), imds_v1=False)
    etl = account.instance_session("etl-role", etl_role, host, (host_address,))
    app_statement = allow_principal(
        "AllowPayrollApp", {"AWS": app.principal}, ["s3:GetObject", "s3:ListBucket"], PAYROLL
    )
    account.bucket_policy(PAYROLL, app_statement)

    responder, break_glass = account.responder(), account.break_glass()
    account.trail(TRAIL, (PAYROLL, EXPORTS, "hr-templates"))
    outside = account.outside_user("collector", allow(["s3:*"]), addresses=("198.51.100.77",))
    jobs = (
        Job("payroll-app", app, PAYROLL, prefix="q3/"),
        Job("etl-role", etl, EXPORTS, prefix="nightly/", writes="nightly/"),
    )
    server.control(
        "inject",
        past_work(
            jobs,
            account=account.account,
            region=REGION,
            until=utc_now(),
            keys=(*_PAYROLL_OBJECTS, *_EXPORT_OBJECTS),
        ),
    )
    backdoor = document(
        app_statement,
        allow_principal(
            "AllowPartner",
            {"AWS": f"arn:aws:iam::{OUTSIDE_ACCOUNT}:root"},
            ["s3:GetObject", "s3:ListBucket"],
            PAYROLL,
        ),
    )
    return World(
        account_id=account.account,
        region=REGION,
        responder=responder,
        attack=_attack(leaked, outside, backdoor),
        jobs=jobs,
        buckets=(PAYROLL, EXPORTS),
        principals=(leaked.principal, OUTSIDE_ACCOUNT),
        instances=(),
        break_glass=(break_glass,),
        trail_bucket=TRAIL,
    )


def _leaked_user(account: Seed) -> Credential:
    own = f"arn:aws:iam::{account.account}:user/{USER}"
    made = account.user(
        USER,
        allow(["s3:ListAllMyBuckets"]),
        allow(["s3:*"], bucket_arns(PAYROLL, EXPORTS)),
        # Meant for key rotation and tidying up after itself; it is what lets a thief stay.
        allow(
            [
                "iam:CreateAccessKey",
                "iam:ListAccessKeys",
                "iam:UpdateAccessKey",
                "iam:ListUserPolicies",
                "iam:DeleteUserPolicy",
                "iam:DetachUserPolicy",
            ],
            [own],
        ),
        addresses=(_ATTACKER_ADDRESS,),
    )
    return Credential(
        "leaked-key",
        made.access_key_id,
        made.secret_access_key,
        principal=made.principal,
        addresses=made.addresses,
    )


def _attack(leaked: Credential, outside: Credential, backdoor: str) -> Attack:
    put_backdoor = {"Bucket": PAYROLL, "Policy": backdoor}
    return Attack(
        user_agent="S3 Browser/11.7.5 (https://s3browser.com)",
        credentials=(leaked, outside),
        waiting=(outside.name,),
        buckets=(PAYROLL,),
        opening=(
            Move("recon", "sts", "GetCallerIdentity"),
            Move("recon", "s3", "ListBuckets", by=(leaked.name,)),
            Move("recon", "s3", "GetBucketPolicy", {"Bucket": PAYROLL}, by=(leaked.name,)),
            Move("mint", "iam", "CreateAccessKey", {"UserName": USER}, by=(leaked.name,), mints="second-key"),
            Move("mint", "sts", "GetSessionToken", by=(leaked.name, "second-key"), mints="session"),
            Move("persist", "s3", "PutBucketPolicy", put_backdoor, by=(leaked.name, "second-key"), opens=outside.name),
        ),
        undo=(
            *(
                Move(
                    "undo",
                    "iam",
                    "UpdateAccessKey",
                    {"UserName": USER, "AccessKeyId": f"${name}", "Status": "Active"},
                )
                for name in (leaked.name, "second-key")
            ),
            Move(
                "undo",
                "iam",
                "DetachUserPolicy",
                {"UserName": USER, "PolicyArn": "arn:aws:iam::aws:policy/AWSDenyAll"},
            ),
            Move("undo", "s3", "PutBucketPolicy", put_backdoor, opens=outside.name),
            Move(
                "undo",
                "iam",
                "DeleteUserPolicy",
                {"UserName": USER},
                each=Each("ListUserPolicies", "PolicyNames", "PolicyName"),
            ),
            Move("mint", "sts", "GetSessionToken", by=(leaked.name, "second-key"), mints="session"),
        ),
    )


SCENARIO = Scenario(
    name="leaked-key",
    title="A leaked access key reads the payroll",
    story=(
        "The access key of the IAM user svc-export stood in a public repository for a day. Since this morning it is "
        "used from an address that nobody here knows, and it reads the payroll. Whoever has it is likely to have made "
        "more than one way in. payroll-app and etl-role work on the same buckets and must go on."
    ),
    seed=seed,
)
