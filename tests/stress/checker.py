"""Judges a whole scenario by its files: lost, duplicated, unexpected or torn must all be 0.

As in Jepsen, the server's journal is the truth and the product is a black box with files. None of
the product's own writing, checking or ledger code is used.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

from lxml import etree

from exports.connectwise.xml.schema import schema
from exports.demo.rows import Record, parse_datetime
from tests.stress.journal import FACT_NAMES, INFO_NAMES, Facts, JournalStore, TrueVersion

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_SCHEMA = etree.XMLSchema(etree.fromstring(schema()))
# Several processes read our clock, a little before or after the event.
_CLOCK_SLACK = timedelta(seconds=2)

VIOLATIONS = ("lost", "duplicated", "unexpected", "torn", "broken")

Matches = Callable[[Record], bool]


@dataclass(frozen=True)
class Exported:
    """The file of a successful run, and what the run had asked for.

    `repeats`: All, a typed date or *Export again* asked for batches exported before.
    `modified_after` and `above_id` are recorded by the run itself; `floor` and `floor_id` follow
    from people's decisions: no batch last updated up to then, no id up to that one. `wanted`: the
    ids of an *Export again*, which asks only for these batches.
    """

    run_id: int
    path: Path
    sha256: str
    size: int
    batch_count: int
    started_at: datetime
    finished_at: datetime
    conditions: str
    repeats: bool
    modified_after: datetime | None = None
    above_id: int = 0
    floor: datetime | None = None
    floor_id: int = 0
    wanted: frozenset[int] | None = None
    is_suspicious: bool = False


@dataclass(frozen=True)
class Promise:
    """What a task has promised by the time of its last, clean run (rule W6).

    `matches` judges a record by the conditions of a run, as sent; `current` are those of the task
    now. `by_id`: the task exports New, where the batch counts and not its version. Owed are batches
    last updated after `owed_after` with an id above `owed_above`, in a file of a run with a number
    above `since`, as a typed date asks for all of them again (W5).
    """

    matches: Mapping[str, Matches]
    current: str
    by_id: bool = False
    owed_after: datetime | None = None
    owed_above: int = 0
    since: int = 0


@dataclass
class Verdict:
    """How many versions of each class; `torn` counts files. `findings` names violations.

    `broken` counts other broken promises: dates, resume points, an end in time.
    """

    ok: int = 0
    lost: int = 0
    duplicated: int = 0
    unexpected: int = 0
    torn: int = 0
    broken: int = 0
    orphaned: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def violation_count(self) -> int:
        return sum(getattr(self, kind) for kind in VIOLATIONS)

    def add(self, other: "Verdict") -> None:
        """Add up; orphaned files stay in place, so the newest count includes earlier ones."""
        for name in ("ok", *VIOLATIONS):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.orphaned = max(self.orphaned, other.orphaned)
        self.findings += other.findings

    def find(self, kind: str, what: str) -> None:
        """Count one violation of this kind."""
        setattr(self, kind, getattr(self, kind) + 1)
        self.findings.append(f"{kind}: {what}")


class TornError(ValueError):
    """A file is incomplete, invalid or not the recorded one."""


def judge(journal: JournalStore, promise: Promise, exports: Sequence[Exported]) -> Verdict:
    """Classify everything the task exported and everything it should have exported."""
    verdict = Verdict()
    truth: dict[Facts, list[TrueVersion]] = {}
    for version in journal.versions:
        truth.setdefault(version.facts, []).append(version)
    last_out: dict[Facts | int, int] = {}
    for exported in sorted(exports, key=lambda one: one.run_id):
        try:
            rows = list(read_file(exported))
        except TornError as error:
            verdict.find("torn", f"run {exported.run_id}: {error}")
            continue
        _judge_rows(rows, exported, truth, promise, last_out, verdict)
        _judge_reexport(rows, exported, journal, verdict)
    for version in journal.shown():
        in_time = last_out.get(_key(version.facts, promise), 0) > promise.since
        if not in_time and _is_due(version, journal, promise):
            verdict.find("lost", f"{version.facts}, visible since {version.visible_from}")
    return verdict


def read_file(exported: Exported) -> Iterator[Facts]:
    """The batches of a file. Raises TornError unless it is valid and as recorded."""
    try:
        content = exported.path.read_bytes()
    except FileNotFoundError:
        raise TornError(f"{exported.path.name} is not there.") from None
    if len(content) != exported.size or hashlib.sha256(content).hexdigest() != exported.sha256:
        raise TornError(f"{exported.path.name} is not the file that was recorded.")
    rows = read_document(content, exported.path.name)
    if len(rows) != exported.batch_count:
        raise TornError(f"{exported.path.name}: {len(rows)} of {exported.batch_count} batches.")
    yield from rows


def read_document(content: bytes, name: str) -> list[Facts]:
    """The batches of a document. Raises TornError when it is incomplete or invalid."""
    try:
        root = ElementTree.fromstring(content)
        _SCHEMA.assertValid(etree.fromstring(content))
    except (ElementTree.ParseError, etree.LxmlError) as error:
        raise TornError(f"{name} is not a whole, valid document: {error}") from None
    if not content.endswith(b">\n"):
        raise TornError(f"{name} has no end.")
    return [_facts_in(batch) for batch in root]


def _facts_in(batch: ElementTree.Element) -> Facts:
    facts: list[str | None] = []
    for name in FACT_NAMES:
        found = batch.find(f"_info/{name}" if name in INFO_NAMES else name)
        is_nil = found is None or found.get(_NIL) == "true"
        facts.append(None if found is None or is_nil else found.text)
    return tuple(facts)


def _judge_rows(
    rows: Sequence[Facts],
    exported: Exported,
    truth: Mapping[Facts, Sequence[TrueVersion]],
    promise: Promise,
    last_out: dict[Facts | int, int],
    verdict: Verdict,
) -> None:
    here: set[int] = set()
    highest = 0
    for facts in rows:
        key, batch_id = _key(facts, promise), int(facts[0] or 0)
        problem = _unexpected(facts, exported, truth, promise)
        if batch_id in here or (key in last_out and not exported.repeats):
            verdict.find("duplicated", f"run {exported.run_id}: {facts}")
        elif problem or batch_id < highest:
            what = problem or f"stands behind id {highest}"
            verdict.find("unexpected", f"run {exported.run_id}: {facts} {what}")
        else:
            verdict.ok += 1
        here.add(batch_id)
        highest = max(highest, batch_id)
        if exported.wanted is None:
            # What *Export again* exported first is still owed by a run of the task (W6, R7).
            last_out[key] = exported.run_id


def _judge_reexport(
    rows: Sequence[Facts], exported: Exported, journal: JournalStore, verdict: Verdict
) -> None:
    """*Export again* owes each batch that existed from its start to its end, in any version."""
    if exported.wanted is None or exported.is_suspicious:
        return
    here = {int(facts[0] or 0) for facts in rows}
    for batch_id in sorted(exported.wanted - here):
        if journal.was_there(batch_id, exported.started_at, exported.finished_at, _CLOCK_SLACK):
            verdict.find("lost", f"run {exported.run_id}, an export again: batch {batch_id}")


def _unexpected(
    facts: Facts, exported: Exported, truth: Mapping[Facts, Sequence[TrueVersion]], promise: Promise
) -> str:
    """Why this row should not be in this file; empty when it should."""
    known = truth.get(facts)
    if not known:
        return "never existed"
    if not any(_was_visible(version, exported) for version in known):
        return f"was not visible between {exported.started_at} and {exported.finished_at}"
    if exported.wanted is not None:
        return "" if int(facts[0] or 0) in exported.wanted else "was not asked for again"
    if not promise.matches[exported.conditions](known[0].record):
        return f"does not meet {exported.conditions}"
    return _outside(facts, exported)


def _outside(facts: Facts, exported: Exported) -> str:
    for moment in (exported.modified_after, exported.floor):
        if moment and not _is_after(facts, moment):
            return f"was not updated after {moment}"
    limit = max(exported.above_id, exported.floor_id)
    return f"is not above id {limit}" if int(facts[0] or 0) <= limit else ""


def _is_after(facts: Facts, moment: datetime) -> bool:
    updated_at = parse_datetime(facts[FACT_NAMES.index("lastUpdated")] or "")
    return updated_at is not None and updated_at > moment


def _was_visible(version: TrueVersion, exported: Exported) -> bool:
    until = version.visible_until
    return version.visible_from <= exported.finished_at + _CLOCK_SLACK and (
        until is None or until >= exported.started_at - _CLOCK_SLACK
    )


def _is_due(version: TrueVersion, journal: JournalStore, promise: Promise) -> bool:
    """Whether this version, visible at the end, must have been exported.

    Earlier versions may have been overwritten before any run saw them. New does not promise a batch
    that only matched the conditions after a later change, as it was not new then.
    """
    matches = promise.matches[promise.current]
    if version.batch_id <= promise.owed_above:
        return False
    if promise.owed_after and not _is_after(version.facts, promise.owed_after):
        return False
    if not promise.by_id:
        return matches(version.record)
    return all(matches(earlier.record) for earlier in journal.of_batch(version.batch_id))


def _key(facts: Facts, promise: Promise) -> Facts | int:
    return int(facts[0] or 0) if promise.by_id else facts
