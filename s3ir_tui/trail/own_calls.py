"""Calls that turn out to be the console's own after they were taken in: what was concluded of them is taken back."""

from __future__ import annotations

from collections.abc import Mapping

from s3ir_tui.trail.arns import session_name
from s3ir_tui.trail.bucket_profile import BucketProfile
from s3ir_tui.trail.profile import Profile


def own_sessions(arn: str) -> frozenset[str]:
    """The console's own principal, where it is a session that the console named itself (`s3ir-USER`).

    A session that people or an instance use beside the console is not its own: whoever stole it would be hidden.
    """
    return frozenset({arn}) if session_name(arn).startswith("s3ir-") else frozenset()


def take_back(
    profiles: Mapping[str, Profile], buckets: Mapping[str, BucketProfile], new: frozenset[str], own: frozenset[str]
) -> bool:
    """Take back what was made of calls with keys that are known as ours from now on; tells whether there was any.

    A principal with other keys as well stays under suspicion: which call was whose is not kept.

    Args:
        profiles: What each principal did.
        buckets: What happened to each bucket.
        new: The keys.
        own: All keys of this console, these included.
    """
    found = [item for item in profiles.values() if not new.isdisjoint(item.keys) and own.issuperset(item.keys)]
    for profile in found:
        for name in profile.buckets:
            if name in buckets:
                buckets[name].take_back(profile.evidence)
        _forget(profile)
    return bool(found)


def _forget(profile: Profile) -> None:
    """Forget what was concluded of a principal; that it called stays counted."""
    profile.addresses, profile.agents, profile.buckets, profile.evidence = {}, {}, {}, {}
    profile.read_spans, profile.delete_spans, profile.sample, profile.issued = {}, {}, {}, {}
    profile.keys = {key: {} for key in profile.keys}
    profile.ids = {name: [] for name in profile.ids}
    profile.denied_names = set()
    profile.denied = profile.reads = profile.lists = profile.bytes_out = 0
    profile.forget_places()
    profile.reasons, profile.assessed = (), (-1, -1, 0)
    profile.revision += 1
