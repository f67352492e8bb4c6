"""A bucket stands open to everyone, by its policy and by the ACLs of its objects."""

from __future__ import annotations

from s3ir_tui.gameday.history import past_work
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Attack, Credential, Job, Move, Scenario, World
from s3ir_tui.gameday.seeding import REGION, Seed, allow, allow_principal, bucket_arns, document, trust
from s3ir_tui.model import utc_now

CLAIMS, TRAIL = "claims-uploads-2026", "trail-logs"
_STRANGERS = ("203.0.113.7", "198.51.100.23", "192.0.2.144")

_CLAIM_OBJECTS = {
    f"{year}/{number:05d}/{name}": 14_000 + 900 * number
    for year in (2025, 2026)
    for number in range(6)
    for name in ("passport.jpg", "report.pdf", "invoice.pdf")
}


def seed(server: AccountServer) -> World:
    """Build the account: the open bucket, the strangers who read it, and the people who work with it."""
    account = Seed(server)
    account.public_bucket(CLAIMS, _CLAIM_OBJECTS)
    account.bucket("claims-archive", {f"2024/{number:05d}.tar": 20_000 for number in range(8)})
    open_policy = document(allow_principal("PartnerPortal", "*", ["s3:GetObject", "s3:ListBucket"], CLAIMS))
    account.s3.put_bucket_policy(Bucket=CLAIMS, Policy=open_policy)

    intake = account.user(
        "claims-intake",
        allow(["s3:GetObject", "s3:ListBucket", "s3:PutObject"], bucket_arns(CLAIMS)),
        addresses=("10.0.9.41",),
    )
    portal_role = account.role(
        "portal-role",
        trust({"Service": "ec2.amazonaws.com"}),
        allow(["s3:GetObject", "s3:ListBucket"], bucket_arns(CLAIMS, "claims-archive")),
    )
    host, host_address = account.instance("portal-1", account.profile("portal-role"), imds_v1=False)
    portal = account.instance_session("portal-role", portal_role, host, (host_address,))
    jobs = (
        Job("claims-intake", intake, CLAIMS, prefix="2026/", writes="2026/inbox/"),
        Job("portal-role", portal, CLAIMS, prefix="2025/"),
    )
    responder, break_glass = account.responder(), account.break_glass()
    account.trail(TRAIL, (CLAIMS, "claims-archive"))
    server.control(
        "inject",
        past_work(jobs, account=account.account, region=REGION, until=utc_now(), keys=tuple(_CLAIM_OBJECTS)),
    )
    return World(
        account_id=account.account,
        region=REGION,
        responder=responder,
        attack=_attack(open_policy),
        jobs=jobs,
        buckets=(CLAIMS,),
        principals=("anonymous",),
        instances=(),
        break_glass=(break_glass,),
        trail_bucket=TRAIL,
    )


def _attack(open_policy: str) -> Attack:
    stranger = Credential("anyone", principal="anonymous", addresses=_STRANGERS, anonymous=True)
    return Attack(
        user_agent="python-requests/2.32.3",
        credentials=(stranger,),
        buckets=(CLAIMS,),
        opening=(Move("recon", "s3", "GetBucketAcl", {"Bucket": CLAIMS}),),
        undo=(
            Move("undo", "s3", "DeletePublicAccessBlock", {"Bucket": CLAIMS}),
            Move("undo", "s3", "PutBucketAcl", {"Bucket": CLAIMS, "ACL": "public-read"}),
            Move("undo", "s3", "PutBucketPolicy", {"Bucket": CLAIMS, "Policy": open_policy}),
            Move(
                "undo",
                "s3",
                "PutObjectAcl",
                {"Bucket": CLAIMS, "Key": "2026/00000/passport.jpg", "ACL": "public-read"},
            ),
        ),
    )


SCENARIO = Scenario(
    name="public-bucket",
    title="A bucket that everyone can read",
    story=(
        "A researcher writes that claims, passports among them, can be read without any login. The bucket was opened "
        "for a partner, by policy and object by object, and Block Public Access was taken off for it. Somebody is "
        "copying it from several addresses right now. claims-intake and portal-role work on it and must go on."
    ),
    seed=seed,
)
