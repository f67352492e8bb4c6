"""The filter language of the tail: words, `field:value`, negation and comparisons, compiled to one test of a line.

    iban                        lines that hold a text, in whatever field
    bucket:payroll-2026         whole values; `*` stands for any text: name:Get*
    key:salaries                any part of a key, agent, message, reason or record; with `=` the whole
    -principal:etl-role  !ok    what is not wanted
    name:GetObject|PutObject    one of several
    >=high  time>=14:03  bytes_out>1mb
    "two words"  agent:"aws cli"  error:""

All terms must hold. Case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TypeAlias, TypeVar

from s3ir_tui.model import Severity, utc_now
from s3ir_tui.trail.fields import OUTCOMES, SEVERITIES, Field, Line, field_named, field_names, names_of, outcome_of
from s3ir_tui.trail.moments import moment
from s3ir_tui.trail.terms import Term, terms_of

Test: TypeAlias = Callable[[Line], bool]
K = TypeVar("K")

_MEMO = 50_000
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|tb)?")
_POWERS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_DERIVED = " ".join((*SEVERITIES, *(item.short for item in Severity), *OUTCOMES)).lower()


class FilterError(ValueError):
    """A text that is no filter; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled filter.

    Attributes:
        text: As it was written.
        test: Whether a line is wanted; `None` where all are.
        marks: Texts that the wanted lines hold, lower case: to be highlighted.
        needles: Texts without one of which no line is wanted, lower case, ASCII, as they stand in what is laid by:
            a block of lines that lacks one need not be unpacked.
        record: Whether the test looks into the record.
    """

    text: str = ""
    test: Test | None = None
    marks: tuple[str, ...] = ()
    needles: tuple[bytes, ...] = ()
    record: bool = False


EVERYTHING = Filter()


def parse(text: str, now: datetime | None = None) -> Filter:
    """Compile a filter.

    Args:
        text: What was written.
        now: What times without a date and `-15m` count from; the clock where it is `None`.

    Raises:
        FilterError: It is no filter; the message says what to write.
    """
    terms = terms_of(text)
    if not terms:
        return Filter(text)
    cheap: list[Test] = []
    dear: list[Test] = []
    words: list[Term] = []
    marks: list[str] = []
    needles: list[bytes] = []
    record = False
    for term in terms:
        field = _field_of(term)
        if field is None:
            words.append(term)
        else:
            test = _test_of(field, term, now or utc_now())
            (dear if field.kind in ("part", "record") else cheap).append(_not(test) if term.negated else test)
            record = record or field.kind == "record"
        if not term.negated and term.value:
            marks += _marks(field, term)
            needles += _needles(field, term)
    if words:
        dear.append(_words(words))
    return Filter(text, _all((*cheap, *dear)), tuple(dict.fromkeys(marks)), tuple(dict.fromkeys(needles)), record)


# -- what a term means -----------------------------------------------------------------------------


def _field_of(term: Term) -> Field | None:
    if not term.op:
        return None
    if not term.field:  # `>=high`, `>=14:03`
        if not term.value:
            raise FilterError(
                f"{term.op} wants a severity or a time: {term.op}high, {term.op}14:03; as a text quote it"
            )
        if not _severities(term.value) and term.value.isalpha():
            raise FilterError(f"{term.value} is neither a severity nor a time; write {term.op}high or {term.op}14:03")
        return field_named("severity" if _severities(term.value) else "time")
    field = field_named(term.field)
    if field is None:
        near = get_close_matches(term.field, field_names(), 1, 0.6)
        hint = f"did you mean {near[0]}{term.op}{term.value}?" if near else "tab lists the fields."
        raise FilterError(f'no field {term.field}; {hint} As a text write it in quotes: "{term.word}"')
    if not term.value and not term.quoted:
        raise FilterError(f'{field.name}{term.op} wants a value; tab completes it, "" is none')
    return field


def _test_of(field: Field, term: Term, now: datetime) -> Test:
    if field.kind == "time":
        return _time(term, now)
    if field.kind == "severity":
        return _severity(term)
    if field.kind == "number":
        return _number(field, term)
    if term.op not in (":", "="):
        raise FilterError(f"{field.name} has no order; write {field.name}:{term.value}")
    wanted = [_choice(field, value) for value in term.alternatives] if field.choices else list(term.alternatives)
    if field.kind == "who":
        return _who([_whole(value, term.quoted) for value in wanted])
    if field.kind == "record":
        return _record([value.encode() for value in wanted])
    if field.kind == "part":
        match = _whole if term.op == "=" else _anywhere
        return _part(field.get, [match(value, term.quoted) for value in wanted])
    return _memo(field.get, [_whole(value, term.quoted) for value in wanted])


def _time(term: Term, now: datetime) -> Test:
    try:
        first, last = moment(term.value, now)
    except ValueError as error:
        raise FilterError(str(error)) from error
    if term.op == ">=":
        return lambda line: line.event.time >= first
    if term.op == "<=":
        return lambda line: line.event.time <= last
    if term.op == ">":
        return lambda line: line.event.time > last
    if term.op == "<":
        return lambda line: line.event.time < first
    return lambda line: first <= line.event.time <= last


def _severity(term: Term) -> Test:
    found = [_severities(value) for value in term.alternatives]
    if not all(found):
        raise FilterError(f"{term.value} is no severity; write info, low, medium, high or critical")
    least, most = min(found[0]), max(found[0])
    if term.op == ">=":
        return lambda line: line.severity >= least
    if term.op == "<=":
        return lambda line: line.severity <= most
    if term.op == ">":
        return lambda line: line.severity > most
    if term.op == "<":
        return lambda line: line.severity < least
    wanted = frozenset(item for items in found for item in items)
    return lambda line: line.severity in wanted


def _severities(text: str) -> list[Severity]:
    """The severities that a word means: `crit`, `med`, `high`."""
    return [item for item in Severity if text and item.word.startswith(text.lower())]


def _number(field: Field, term: Term) -> Test:
    match = _BYTES.fullmatch(term.value.lower())
    if match is None:
        raise FilterError(f"{term.value} is no size; write {field.name}>1mb, 500kb or 1000")
    get, size = field.get, float(match[1]) * _POWERS[match[2] or "b"]
    compare: dict[str, Test] = {
        ">=": lambda line: float(get(line)) >= size,
        "<=": lambda line: float(get(line)) <= size,
        ">": lambda line: float(get(line)) > size,
        "<": lambda line: float(get(line)) < size,
    }
    return compare.get(term.op, lambda line: float(get(line)) == size)


def _choice(field: Field, value: str) -> str:
    found = [choice for choice in field.choices if value and choice.startswith(value.lower())]
    if not found:
        raise FilterError(f"{field.name} is {', '.join(field.choices[:-1])} or {field.choices[-1]}; not {value}")
    return found[0]


# -- tests, as cheap as they can be made -----------------------------------------------------------

_Match: TypeAlias = Callable[[str], bool]


def _whole(value: str, quoted: bool) -> _Match:
    folded = value.lower()
    if quoted or "*" not in value:
        return lambda text: text == folded
    head = folded[:-1]
    if folded == "*":
        return bool
    if "*" not in head:
        return lambda text: text.startswith(head)
    matches = _glob(folded, re.DOTALL).fullmatch
    return lambda text: matches(text) is not None


def _anywhere(value: str, quoted: bool) -> _Match:
    folded = value.lower()
    if not folded:
        return lambda text: not text
    if quoted or "*" not in value:
        return lambda text: folded in text
    return _whole(value, quoted)


def _glob(value: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", value))), flags)


def _memo(get: Callable[[Line], str], matches: Sequence[_Match]) -> Test:
    """Most fields have few values: each is looked at once."""
    known: _Known[str] = _Known(lambda value: any(match(value.lower()) for match in matches))
    return lambda line: known[get(line)]


class _Known(dict[K, bool]):
    def __init__(self, test: Callable[[K], bool]) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, value: K) -> bool:
        if len(self) >= _MEMO:
            self.clear()
        found = self[value] = self._test(value)
        return found


def _who(matches: Sequence[_Match]) -> Test:
    def test(who: tuple[str, str]) -> bool:
        names = names_of(*who)
        return any(match(name) for match in matches for name in names or ("",))

    known: _Known[tuple[str, str]] = _Known(test)
    return lambda line: known[line.event.principal, line.event.issuer]


def _part(get: Callable[[Line], str], matches: Sequence[_Match]) -> Test:
    if len(matches) == 1:
        (match,) = matches
        return lambda line: match(get(line).lower())
    return lambda line: _any(matches, get(line).lower())


def _any(matches: Sequence[_Match], text: str) -> bool:
    return any(match(text) for match in matches)


def _record(values: Sequence[bytes]) -> Test:
    wanted = [value.lower() for value in values]
    return lambda line: any(value in line.event.raw.lower() for value in wanted)


def _words(terms: Sequence[Term]) -> Test:
    """All words are looked for in one text of the line."""
    wanted = [(term.negated, _word(term)) for term in terms]

    def test(line: Line) -> bool:
        text = haystack(line)
        return all(match(text) is not negated for negated, match in wanted)

    if len(wanted) == 1:
        ((negated, match),) = wanted
        return lambda line: match(haystack(line)) is not negated
    return test


def _word(term: Term) -> _Match:
    folded = term.value.lower()
    if term.quoted or "*" not in folded.strip("*"):
        folded = folded if term.quoted else folded.strip("*")
        return lambda text: folded in text
    search = _glob(folded).search
    return lambda text: search(text) is not None


def haystack(line: Line) -> str:
    """What a word is looked for in, lower case, one field a line."""
    event = line.event
    return "\n".join(
        (event.name, event.principal, event.bucket, event.key, event.address, event.agent, event.error,
         event.access_key, event.service, event.region, event.time, event.issuer, event.message, event.id,
         event.request_id, event.invoked_by, line.severity.short, line.severity.word,
         outcome_of(event.error), line.source, *line.reasons)
    ).lower()  # fmt: skip


def _not(test: Test) -> Test:
    return lambda line: not test(line)


def _all(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda line: first(line) and second(line)
    return lambda line: all(test(line) for test in tests)


# -- what can be known without unpacking a line ----------------------------------------------------


def _marks(field: Field | None, term: Term) -> list[str]:
    if field is not None and (field.kind in ("time", "severity", "number", "record") or field.derived):
        return []
    found = [term.value] if term.quoted else [part for value in term.alternatives for part in value.split("*")]
    return [part.lower() for part in found if part]


def _needles(field: Field | None, term: Term) -> Iterable[bytes]:
    """Parts of the value that must stand in what is laid by, whatever else holds."""
    if field is not None and (field.kind not in ("whole", "part") or field.derived):
        return
    if len(term.alternatives) > 1:
        return
    for part in [term.value] if term.quoted else term.value.split("*"):
        folded = part.lower()
        if folded and part.isascii() and folded.isprintable() and folded not in _DERIVED:
            yield folded.encode()
