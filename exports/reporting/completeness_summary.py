"""The proof of a successful run: an equation that an accountant can check, and a sentence."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.models import Run
from exports.templatetags.formatting import grouped


@dataclass(frozen=True)
class Term:
    """One number of the equation; `sign` stands before it and is empty for the first."""

    sign: str
    label: str
    count: int
    note: str


@dataclass(frozen=True)
class CompletenessCheck:
    """`is_complete` is False when the run needs a look: no count, missing batches, suspicious."""

    is_complete: bool
    verdict: str
    sentence: str
    terms: list[Term]


def completeness_check_of(run: Run) -> CompletenessCheck:
    """What the counts of a successful run prove."""
    return _check_of_reexport(run) if run.is_reexport else _check_of_export(run)


def wanted_count(run: Run) -> int:
    """How many batches a re-export was asked for."""
    if run.reexport_of is not None:
        return run.reexport_of.batch_count or 0
    return len(run.reexport_ids)


def _check_of_export(run: Run) -> CompletenessCheck:
    read = Term(
        "=", _("Fetched"), run.fetched_count, _("read from ConnectWise, page by page, each once")
    )
    tail = [read, *_written(run)]
    if run.proven_count is None:
        tail[0] = Term("", read.label, read.count, read.note)
        sentence = _(
            "ConnectWise refused to count, so it is not proven that the file is complete. Permit "
            "the API member to count batches, then run again."
        )
        return CompletenessCheck(False, _("Not proven"), sentence, tail)
    counted = Term("", _("Counted"), run.proven_count, _("by ConnectWise, after the last page"))
    more = run.fetched_count - run.proven_count
    # A suspicious run may see too little, and then ConnectWise's count is too low as well.
    missing = max((run.expected_count or 0) - run.within_count, 0)
    is_complete = not run.suspicion and not missing
    verdict = _("Complete") if is_complete else _("Agrees, yet suspicious")
    if missing:
        fewer = _("Fewer than first counted")
        return CompletenessCheck(
            False, fewer, _fewer_than_first_counted(run), [counted, *_meanwhile(more), *tail]
        )
    if more <= 0:
        sentence = _("Every batch that ConnectWise counts was fetched.")
        return CompletenessCheck(is_complete, verdict, sentence, [counted, *tail])
    sentence = ngettext(
        "Every batch that ConnectWise counts was fetched, and %(count)s more that changed or "
        "vanished meanwhile.",
        "Every batch that ConnectWise counts was fetched, and %(count)s more that changed or "
        "vanished meanwhile.",
        more,
    ) % {"count": grouped(more)}
    return CompletenessCheck(is_complete, verdict, sentence, [counted, *_meanwhile(more), *tail])


def _meanwhile(count: int) -> list[Term]:
    note = _("changed or vanished while it was fetched")
    return [Term("+", _("Meanwhile"), count, note)] if count > 0 else []


def _fewer_than_first_counted(run: Run) -> str:
    """The last count agrees with the run, but does not explain why the first one was higher."""
    return _(
        "ConnectWise counted %(expected)s matching batches when the run began and gave %(given)s "
        "of them. The others were deleted, no longer match, or are out of sight; what is shown "
        "again later, a later run fetches."
    ) % {"expected": grouped(run.expected_count or 0), "given": grouped(run.within_count)}


def _written(run: Run) -> list[Term]:
    terms = [Term("=", _("Written"), run.batch_count or 0, _("in the file"))]
    if run.skipped_count:
        note = _("went out before from this task, in the same version")
        if run.export == "new":
            note = _("went out before from this task")
        terms.append(Term("+", _("Skipped"), run.skipped_count, note))
    return terms


def _check_of_reexport(run: Run) -> CompletenessCheck:
    """Skipped batches are other batches in the same id range; their number proves nothing."""
    wanted, written = wanted_count(run), run.batch_count or 0
    terms = [
        Term("", _("Wanted"), wanted, _("batches to export again")),
        Term("=", _("Written"), written, _("in the file, as ConnectWise has them now")),
    ]
    missing = wanted - written
    if missing > 0:
        terms.append(Term("+", _("Missing"), missing, _("ConnectWise did not give them")))
    verdict = _("Not all") if missing > 0 else _("Complete")
    sentence = _sentence_of_reexport(run, wanted, written)
    return CompletenessCheck(missing <= 0, verdict, sentence, terms)


def _sentence_of_reexport(run: Run, wanted: int, written: int) -> str:
    numbers = {"written": grouped(written), "wanted": grouped(wanted), "run": run.reexport_of_id}
    if run.reexport_of_id:
        found = ngettext(
            "%(written)s of the %(wanted)s batch of run %(run)s went into the file, as ConnectWise "
            "had it when this run asked.",
            "%(written)s of the %(wanted)s batches of run %(run)s went into the file, as "
            "ConnectWise had them when this run asked.",
            wanted,
        )
    else:
        found = ngettext(
            "%(written)s of the %(wanted)s chosen batch went into the file, as ConnectWise had it "
            "when this run asked.",
            "%(written)s of the %(wanted)s chosen batches went into the file, as ConnectWise had "
            "them when this run asked.",
            wanted,
        )
    if written < wanted and run.proven_count is None:
        refused = _("ConnectWise refused to count, so it may have more of them.")
        return f"{found % numbers} {refused}"
    return found % numbers
