"""The counts that a finished walk is held against: the proof that nothing is missing (P3)."""

from collections.abc import Callable

from exports.connectwise.filter import conditions
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped
from exports.models import Run
from exports.models.codes import Activity, ErrorCode
from exports.pipeline.part_writer import PartWriter, Written
from exports.pipeline.preflight import Preflight, or_none
from exports.pipeline.queries import Asking, ask_count
from exports.storage.run_log import RunLog


class IncompleteError(Exception):
    """ConnectWise counts more batches than it gave; `str()` has both numbers."""

    code = ErrorCode.RUN_INCOMPLETE

    def __init__(self, counted: int, fetched: int) -> None:
        super().__init__(
            _(
                "ConnectWise counts %(counted)s matching batches but gave only %(fetched)s, twice. "
                "Nothing was exported, since batches would be missing; run the task again later."
            )
            % {"counted": grouped(counted), "fetched": grouped(fetched)}
        )


class Proof:
    """Counts what a walk should have fetched; what can be known early is asked for early."""

    def __init__(self, run: Run, asking: Asking, preflight: Preflight, log: RunLog) -> None:
        self._run = run
        self._asking = asking
        self._ground = preflight
        self._log = log
        self._asked: dict[str, Callable[[], int]] = {}

    def walk(self, writer: PartWriter) -> tuple[Written, int | None, int | None]:
        """Walk, and prove it by counting; once more when the proof fails.

        Also returns what was counted, and how many batches ConnectWise shows in all afterwards.
        Raises IncompleteError.
        """
        counted: int | None = None
        for is_last in (False, True):
            written = writer.write_reexport() if is_last else writer.resume()
            self._run.answered(self._run.owner, activity=Activity.COUNTING)
            # In this order: if lists went empty under way they still are, or the proof comes out.
            shown = self._shown_count()
            counted = self._count_again(written)
            is_proven = counted is None or counted <= written.fetched_count
            expected = self._ground.expected_count or 0
            # If fewer came than were counted at the start, they have vanished, or they hide behind
            # what changed meanwhile, which no dated count knows: only a second walk can tell.
            if is_proven and (is_last or written.within_count >= expected):
                return written, counted, shown
            message = _("ConnectWise counted %(counted)s matching batches but gave %(fetched)s.")
            params = {
                "counted": expected if is_proven else counted,
                "fetched": written.fetched_count,
            }
            self._log.warning(
                message % {name: grouped(count or 0) for name, count in params.items()}
            )
        raise IncompleteError(counted or 0, written.fetched_count)

    def ask_ahead(self, written: Written) -> None:
        """For when all has been fetched that was there at the start, and is yet to be written.

        What else may come has higher ids, which the count does not look at; if something does
        come, the walk's end asks for another one and this one is not used.
        """
        text = "" if self._tells_apart else self._within(written)
        self._asked = {text: ask_count(self._asking, text)}

    def _shown_count(self) -> int | None:
        """How many batches ConnectWise shows in all after the walk.

        None when refused, and where there is no filter to tell these from what the walk fetched.
        """
        return self._count("") if self._tells_apart else None

    def _count_again(self, written: Written) -> int | None:
        """How many batches there must at least be in what was fetched; None when refused.

        Only those count that have not changed since the run started, up to the last id fetched;
        all of them when fewer came than were counted before, as the empty page may not have been
        the end.
        """
        counted = self._count(self._within(written))
        self._asked = {}
        if counted is None or written.last_id >= self._ground.highest_id:
            return counted
        # Changes of the last minutes are in no such count, so what lies behind the end is asked
        # for by its ids alone: an empty page that came by mistake is found whatever else happened.
        beyond = (
            conditions.id_above(written.last_id),
            conditions.id_up_to(self._ground.highest_id),
        )
        left = self._count(self._ground.filter(*beyond))
        return written.fetched_count + left if left else counted

    @property
    def _tells_apart(self) -> bool:
        return bool(self._ground.unfiltered_count and self._ground.filter())

    def _within(self, written: Written) -> str:
        preflight = self._ground
        limits = [conditions.updated_up_to(preflight.started_at)]
        if preflight.after_id:
            limits.append(conditions.id_above(preflight.after_id))
        if written.fetched_count and written.fetched_count >= (preflight.expected_count or 0):
            limits.append(conditions.id_up_to(written.last_id))
        return preflight.filter(*limits)

    def _count(self, text: str) -> int | None:
        asked = self._asked.pop(text) if text in self._asked else ask_count(self._asking, text)
        return or_none(asked, self._log)
