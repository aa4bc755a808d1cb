"""How a re-export asks for the batches of an earlier run (R7).

With one filter where it can. Ids that are too many for one URL are asked for in portions, one URL
each, where that takes fewer requests than reading all batches that lie between them.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil

from exports.connectwise.filter.conditions import id_among
from exports.connectwise.filter.id_portions import Portion, portions_of
from exports.connectwise.filter.id_ranges import covering
from exports.models import LedgerEntry, Run


@dataclass(frozen=True)
class WantedIds:
    """The ids, ascending, that are asked for in portions of at most a page."""

    ids: Sequence[int]
    page_size: int

    @classmethod
    def of(cls, run: Run) -> "WantedIds | None":
        """The ids of the earlier run; None where one filter holds all that this run wants."""
        if run.reexport_of_id is None:
            return None
        # 8 bytes each.
        ids = array("q", LedgerEntry.objects.ids_of(run.reexport_of_id))
        wanted = cls(ids, run.page_size)
        return wanted if len(list(islice(wanted.portions(), 2))) > 1 else None

    def portions(self, above: int = 0) -> Iterator[Portion]:
        """Portions of the ids above `above`."""
        return portions_of((one for one in self.ids if one > above), self.page_size)

    def missing(self, came: Iterable[int]) -> "WantedIds":
        """The ids that are not among those that came, which are ascending too."""
        return WantedIds(array("q", _without(self.ids, came)), self.page_size)

    def is_fewer_requests(self, between_count: int | None) -> bool:
        """Whether the portions are fewer than the pages of all batches between the ids.

        `between_count` says how many these are; None where ConnectWise refuses to count. Then every
        number between the first and the last id counts as a batch.
        """
        if between_count is None:
            between_count = self.ids[-1] - self.ids[0] + 1
        pages = ceil(between_count / self.page_size)
        return sum(1 for _portion in islice(self.portions(), pages)) < pages


def added_conditions(run: Run, wanted: WantedIds | None) -> tuple[str, ...]:
    """One filter with the batches that a re-export wants, and little else."""
    if wanted is not None:
        return (covering(wanted.ids),)
    if run.reexport_of_id is not None:
        ids = LedgerEntry.objects.ids_of(run.reexport_of_id)
        portion = next(portions_of(ids, run.page_size), None)
        return (portion.condition if portion else covering(()),)
    return (id_among(run.reexport_ids),) if run.reexport_ids else ()


def _without(wanted: Iterable[int], came: Iterable[int]) -> Iterator[int]:
    rest = iter(came)
    at = next(rest, None)
    for number in wanted:
        while at is not None and at < number:
            at = next(rest, None)
        if at != number:
            yield number
