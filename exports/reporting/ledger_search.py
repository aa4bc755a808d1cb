"""Finds batches in the ledger, of one task or of all (rules W7, W13)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property, reduce
from operator import or_
from typing import Final, TypeAlias

from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet

from exports.models import LedgerEntry, Run, RunSummary, Task
from exports.models.ledger import LedgerQuerySet, identifier_kept
from exports.reporting.ledger_terms import Term
from exports.reporting.run_filters import day_moment

# Without a search about this many are shown: paging through a million would take seconds a page.
NEWEST: Final = 10_000
# More batches with the identifiers of one search are not looked at.
_MAX_IDENTIFIED: Final = 2_000

RunSummaries: TypeAlias = "QuerySet[RunSummary]"


@dataclass(frozen=True)
class Days:
    """The days between which batches went out, both included; None for an open end."""

    first: date | None = None
    last: date | None = None

    def __bool__(self) -> bool:
        return bool(self.first or self.last)

    def limit(self, prefix: str = "") -> Q:
        limits = Q()
        if self.first:
            limits &= Q(**{f"{prefix}finished_at__gte": day_moment(self.first, time.min)})
        if self.last:
            limits &= Q(**{f"{prefix}finished_at__lte": day_moment(self.last, time.max)})
        return limits


@dataclass(frozen=True)
class Found:
    """What the ledger knows of one term."""

    term: Term
    ids: frozenset[int]
    identified_ids: frozenset[int]

    @property
    def count(self) -> int:
        return len(self.ids) or bool(self.identified_ids)

    @property
    def asked_count(self) -> int:
        return len(self.term.span) if self.term.span else 1

    @property
    def missing_ids(self) -> list[int]:
        if not self.term.span or (self.identified_ids and not self.ids):
            return []
        return [number for number in self.term.span if number not in self.ids]


@dataclass
class LedgerSearch:
    """Entries for the terms and days; all of them, the newest first, where nothing is asked."""

    terms: Sequence[Term] = ()
    days: Days = field(default_factory=Days)
    task: Task | None = None

    @property
    def is_asked(self) -> bool:
        return bool(self.terms or self.days)

    @cached_property
    def entries(self) -> LedgerQuerySet:
        """Every entry that was asked for, or the newest of all; newest first."""
        found = self._scope
        if self.terms:
            found = found.filter(self._wanted)
        elif self.days:
            first, last = self._runs_in_days
            found = found.filter(self.days.limit("run__"), run_id__gte=first, run_id__lte=last)
        if not self.is_asked:
            found = found.filter(run_id__gte=self._oldest_run_shown)
        return found.order_by("-run_id", "-id")

    @property
    def is_cut(self) -> bool:
        """Whether older entries are left to a search."""
        return not self.is_asked and self._oldest_run_shown > 0

    @property
    def all_entries(self) -> LedgerQuerySet:
        """Every entry of the task or the installation, newest first."""
        return self._scope.order_by("-run_id", "-id")

    @cached_property
    def found(self) -> list[Found]:
        """What is known of each term; one that is several words counts as several, if need be."""
        spans = [term.span for term in _with_parts(self.terms) if term.span]
        ids = set[int]()
        if spans:
            known = self._scope.filter(_ids_in(spans)).order_by()
            ids = set(known.values_list("batch_id", flat=True).distinct())
        return [
            self._found(part, ids)
            for term in self.terms
            for part in (term.parts if term.parts and not self._ids_of(term) else [term])
        ]

    @cached_property
    def oldest(self) -> RunSummary | None:
        """The first success on record."""
        return self._summaries.exclude(finished_at=None).order_by("finished_at").first()

    @cached_property
    def last_unidentified(self) -> RunSummary | None:
        """The newest success with batches whose identifier is not known; None if all are."""
        if self.task is None:
            unknown = LedgerEntry.objects.sent().filter(batch_identifier=None)
            row = unknown.select_related("run").order_by("-run_id").first()
            return row.run if row else None
        of_run = LedgerEntry.objects.filter(run_id=OuterRef("pk"), batch_identifier=None)
        return self._summaries.filter(Exists(of_run)).order_by("-pk").first()

    @cached_property
    def active_count(self) -> int:
        """Runs that may be exporting a batch that is not on record yet."""
        runs = Run.objects.filter(status__in=Run.ACTIVE)
        return (runs.filter(task=self.task) if self.task else runs).count()

    @cached_property
    def _oldest_run_shown(self) -> int:
        """So that not all entries have to be sorted; 0 when they are few enough."""
        runs = self._summaries.filter(batch_count__gt=0).order_by("-pk")
        oldest = entry_count = 0
        for run_id, batch_count in runs.values_list("pk", "batch_count").iterator(chunk_size=200):
            if entry_count >= NEWEST:
                return oldest
            oldest, entry_count = run_id, entry_count + batch_count
        return 0

    @cached_property
    def _runs_in_days(self) -> tuple[int, int]:
        """The numbers between which they lie: entries of a range of runs need no sorting."""
        runs = self._summaries.filter(self.days.limit())
        ends = runs.aggregate(first=Min("pk"), last=Max("pk"))
        return ends["first"] or 1, ends["last"] or 0

    @cached_property
    def _wanted(self) -> Q:
        terms = list(_with_parts(self.terms))
        wanted = [_ids_in([term.span for term in terms if term.span])]
        if self._identified:
            # One hash means one identifier, so that rows from before it was kept are found too.
            batches = {batch_id for batch_id, _hash, _name in self._identified}
            hashes = {content_hash for _id, content_hash, _name in self._identified}
            wanted.append(Q(batch_id__in=batches, content_hash__in=hashes))
        return reduce(or_, filter(None, wanted), Q()) or Q(pk=None)

    @cached_property
    def _identified(self) -> list[tuple[int, str, str]]:
        """Id, hash and identifier of the batches with the identifiers asked for."""
        names = [term.identifier for term in _with_parts(self.terms) if term.identifier]
        rows = self._scope.identified_by(names).order_by()
        found = rows.values_list("batch_id", "content_hash", "batch_identifier").distinct()
        return [(pk, digest, name or "") for pk, digest, name in found[:_MAX_IDENTIFIED]]

    @property
    def _scope(self) -> LedgerQuerySet:
        sent = LedgerEntry.objects.sent()
        if self.task:
            sent = LedgerEntry.objects.sent_by(self.task)
            # The index is by batch and the row's own task.
            sent = sent.filter(task=self.task) if self.terms else sent
        return sent.filter(self.days.limit("run__")) if self.terms and self.days else sent

    @property
    def _summaries(self) -> RunSummaries:
        summaries = RunSummary.objects.all()
        return summaries.filter(task=self.task) if self.task else summaries

    def _found(self, term: Term, ids: set[int]) -> Found:
        own = frozenset(number for number in term.span or () if number in ids)
        return Found(term, own, self._ids_of(term))

    def _ids_of(self, term: Term) -> frozenset[int]:
        name = _folded(term.identifier)
        known = self._identified if name else []
        return frozenset(batch for batch, _hash, other in known if _folded(other) == name)


def _with_parts(terms: Iterable[Term]) -> Iterable[Term]:
    for term in terms:
        yield term
        yield from term.parts


def _folded(identifier: str) -> str:
    return identifier_kept(identifier).upper().casefold()


def _ids_in(spans: Iterable[range]) -> Q:
    """One condition for all single ids, one for each range."""
    single = [span.start for span in spans if len(span) == 1]
    wanted = [Q(batch_id__range=(span.start, span.stop - 1)) for span in spans if len(span) > 1]
    return reduce(or_, wanted, Q(batch_id__in=single) if single else Q())
