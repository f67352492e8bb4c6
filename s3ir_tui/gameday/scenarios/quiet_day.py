"""Nobody is in the account who should not be: what a day without an incident looks like."""

from __future__ import annotations

from s3ir_tui.gameday.history import past_work
from s3ir_tui.gameday.process import AccountServer
from s3ir_tui.gameday.scenario import Attack, Job, Scenario, World
from s3ir_tui.gameday.seeding import REGION, Seed, allow, bucket_arns, trust
from s3ir_tui.model import utc_now

ASSETS, ORDERS, TRAIL = "shop-assets", "orders-2026", "trail-logs"
_WAYS_OUT = ("52.29.10.4", "3.121.77.9")
"""Addresses of the NAT gateways that the web servers stand behind."""
_APP = "Boto3/1.40.1 md/Botocore#1.40.1 shop/4.1"

_ASSET_OBJECTS = {f"img/{number:03d}.webp": 9_000 + 300 * number for number in range(20)}
_ORDER_OBJECTS = {f"{day:02d}/{number:03d}.json": 4_000 + 90 * number for day in (1, 2) for number in range(10)}


def seed(server: AccountServer) -> World:
    """Build the account: web servers behind NAT gateways, a nightly job, a clerk's program, and nobody else."""
    account = Seed(server)
    account.bucket(ASSETS, _ASSET_OBJECTS)
    account.bucket(ORDERS, _ORDER_OBJECTS)
    objects = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]
    ec2 = trust({"Service": "ec2.amazonaws.com"})
    web_role = account.role("web-role", ec2, allow(objects, bucket_arns(ASSETS)))
    job_role = account.role("nightly-role", ec2, allow(objects, bucket_arns(ORDERS)))
    web, job = account.profile("web-role"), account.profile("nightly-role")
    jobs = []
    for number in (1, 2, 3):
        host, _address = account.instance(f"web-{number}", web, imds_v1=False)
        session = account.instance_session(f"web-{number}", web_role, host, _WAYS_OUT)
        jobs.append(Job(f"web-{number}", session, ASSETS, prefix="img/", user_agent=_APP))
    host, address = account.instance("nightly-1", job, imds_v1=False)
    nightly = account.instance_session("nightly", job_role, host, (address,))
    jobs.append(Job("nightly", nightly, ORDERS, prefix="01/", writes="sums/"))
    clerk = account.user("order-desk", allow(objects, bucket_arns(ORDERS)), addresses=("10.0.7.30",))
    jobs.append(Job("order-desk", clerk, ORDERS, prefix="02/"))

    responder, break_glass = account.responder(), account.break_glass()
    account.trail(TRAIL, (ASSETS, ORDERS))
    keys = (*_ASSET_OBJECTS, *_ORDER_OBJECTS)
    past = past_work(jobs, account=account.account, region=REGION, until=utc_now(), keys=keys)
    server.control("inject", past)
    return World(
        account_id=account.account,
        region=REGION,
        responder=responder,
        attack=Attack(user_agent="", credentials=(), buckets=()),
        jobs=tuple(jobs),
        buckets=(),
        principals=(),
        instances=(),
        break_glass=(break_glass,),
        trail_bucket=TRAIL,
    )


SCENARIO = Scenario(
    name="quiet-day",
    title="A day without an incident",
    story=(
        "Somebody is worried, and nothing has happened: three web servers behind NAT gateways, a nightly job and the "
        "order desk do their work. Say so, and change nothing."
    ),
    seed=seed,
)
