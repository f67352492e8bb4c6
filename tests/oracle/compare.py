"""Compares the policy evaluator with an independent one on random cases, and explains every difference by a rule.

Not part of `make test`: it needs Node.js and the npm package `@cloud-copilot/iam-simulate` in a folder outside of the
checkout. Nothing is installed by this script.

    npm install --prefix /tmp/oracle @cloud-copilot/iam-simulate
    python tests/oracle/compare.py /tmp/oracle --count 10000 --seed 1

A difference counts as explained only if this project's evaluator, given the other one's reading of a rule, comes to
the other one's result. Each rule names the text of AWS that decides it. The exit status is 1 if one is left over.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

from cases import Case, cases
from readings import READINGS, Reading

from s3ir_tui.policy import authorize

MOST_READINGS = 3
"""How many rules together may explain one difference."""


def other_results(folder: Path, asked: list[Case]) -> list[str]:
    """What the independent evaluator says to each case.

    Raises:
        SystemExit: It failed.
    """
    lines = "".join(json.dumps(case.simulation()) + "\n" for case in asked)
    program = Path(__file__).with_name("simulate.mjs")
    ended = subprocess.run(
        ["node", str(program), str(folder)], input=lines, capture_output=True, text=True, check=False
    )
    results = [str(json.loads(line)) for line in ended.stdout.splitlines()]
    if ended.returncode or len(results) != len(asked):
        sys.exit(f"the other evaluator failed: {ended.stderr[-2000:]}")
    return results


def allowed(case: Case) -> bool:
    """What the evaluator of this project says."""
    return authorize(case.request(), case.policies()).allowed


def explanation(case: Case, wanted: bool) -> tuple[Reading, ...] | None:
    """The fewest readings of rules under which both evaluators agree; `None` if there are none."""
    for count in range(1, MOST_READINGS + 1):
        for chosen in combinations(READINGS, count):
            if _with(chosen, case) is wanted:
                return chosen
    return None


def _with(chosen: tuple[Reading, ...], case: Case) -> bool:
    if not chosen:
        return allowed(case)
    with chosen[0].adopted():
        return _with(chosen[1:], case)


def main() -> int:
    """Run the comparison and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where npm installed @cloud-copilot/iam-simulate")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3, help="how many unexplained cases to print")
    arguments = parser.parse_args()
    asked = cases(arguments.seed, arguments.count)
    results = other_results(arguments.folder, asked)
    causes: Counter[str] = Counter()
    left: list[tuple[Case, str]] = []
    ours: Counter[bool] = Counter()
    for case, result in zip(asked, results, strict=True):
        mine, theirs = allowed(case), result == "Allowed"
        ours[mine] += 1
        if mine is theirs:
            continue
        found = explanation(case, theirs)
        if found is None:
            left.append((case, result))
        else:
            causes[" + ".join(reading.name for reading in found)] += 1
    differ = sum(causes.values()) + len(left)
    count = len(asked)
    print(f"seed {arguments.seed}: {count} cases, {ours[True]} allowed, {ours[False]} denied")
    print(f"agree in {count - differ} ({100 * (count - differ) / count:.2f} %), differ in {differ}:")
    for name, number in causes.most_common():
        print(f"  {number:5d}  {name}")
    print(f"  {len(left):5d}  unexplained")
    used = {name for cause in causes for name in cause.split(" + ")}
    for reading in READINGS:
        if reading.name in used:
            print(f"\n{reading.name}: {reading.verdict}\n  {reading.source}")
    for case, result in left[: arguments.show]:
        print(f"\nunexplained: {case.name}, theirs {result}, ours {authorize(case.request(), case.policies())}")
        print(json.dumps(case.simulation()))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
