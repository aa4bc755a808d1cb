"""Finds the reasons to call a complete run suspicious (W10, W11)."""

from datetime import datetime

from exports import clock
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped
from exports.models import Run
from exports.models.codes import Suspicion, SuspicionCode
from exports.number_formats import utc_text
from exports.pipeline.completeness import Counts
from exports.pipeline.part_writer import Written
from exports.pipeline.preflight import Preflight

# A fall is suspicious above this number if it is also more than 1 %: people delete single batches.
_FEW = 10


def suspicion_about(
    run: Run, preflight: Preflight, written: Written, counts: Counts
) -> Suspicion | None:
    """The first reason found, or None; a preview passes its first counts as the final ones."""
    return (
        _lost_under_way(preflight, written, counts)
        or _nothing_shown(preflight, written)
        or _fewer_than_before(preflight)
        or _date_ahead(run, preflight)
    )


def _is_fall(before: int, after: int) -> bool:
    """Whether more batches are missing than people usually delete between two runs (W11)."""
    lost = before - after
    return (lost > _FEW and lost * 100 > before) or after * 2 < before


def _lost_under_way(preflight: Preflight, written: Written, counts: Counts) -> Suspicion | None:
    if counts.newest_id is not None and counts.newest_id < preflight.highest_id:
        return _lists_empty(preflight.highest_id, counts.newest_id)
    before, after = preflight.unfiltered_count, counts.visible_count
    if before is None or after is None or not _is_fall(before, after):
        return _first_count_unmet(preflight, written, counts)
    return Suspicion(
        SuspicionCode.LOST_FROM_SIGHT,
        _(
            "ConnectWise showed %(before)s batches when the run began and %(after)s at its "
            "end. Check the API member's role and level."
        )
        % {"before": grouped(before), "after": grouped(after)},
    )


def _first_count_unmet(preflight: Preflight, written: Written, counts: Counts) -> Suspicion | None:
    """Fewer fetched than first counted, unless batches were merely edited and no longer match."""
    expected, given = preflight.expected_count or 0, written.within_count
    proven = counts.proven_count
    if given >= expected:
        return None
    if proven is None:
        return _refused_under_way(expected, given)
    before, after = preflight.unfiltered_count, counts.visible_count
    is_all_in_sight = before is not None and after is not None and after >= before
    # If lists and counts both went empty during the run they agree, but prove nothing.
    if proven * 2 > given and (is_all_in_sight or not _is_fall(expected, given)):
        return None
    params = {"expected": expected, "fetched": given, "counted": proven}
    return Suspicion(
        SuspicionCode.COUNT_FELL,
        _(
            "ConnectWise counted %(expected)s matching batches, gave %(fetched)s and then "
            "counted %(counted)s of them. Check that the API member's role still lets it see "
            "them."
        )
        % {name: grouped(count) for name, count in params.items()},
    )


def _refused_under_way(expected: int, given: int) -> Suspicion:
    return Suspicion(
        SuspicionCode.COUNT_FELL,
        _(
            "ConnectWise counted %(expected)s matching batches, gave %(fetched)s and then refused "
            "to count. Check that the API member's role still lets it see them."
        )
        % {"expected": grouped(expected), "fetched": grouped(given)},
    )


def _lists_empty(highest_id: int, newest_id: int) -> Suspicion:
    return Suspicion(
        SuspicionCode.LISTS_EMPTY,
        _(
            "The highest batch id was %(before)s when the run began and %(after)s at its end, and "
            "ConnectWise refuses to count. Check the API member's role and level."
        )
        % {"before": highest_id, "after": newest_id},
    )


def _nothing_shown(preflight: Preflight, written: Written) -> Suspicion | None:
    baseline = preflight.baseline
    is_accepted = baseline is not None and baseline.unfiltered_count == 0
    if written.fetched_count or preflight.unfiltered_count != 0 or is_accepted:
        return None
    return Suspicion(
        SuspicionCode.NOTHING_SHOWN,
        _(
            "ConnectWise shows this API member no batches at all. Check that its security "
            "role and level still let it see them."
        ),
    )


def _fewer_than_before(preflight: Preflight) -> Suspicion | None:
    baseline, unfiltered = preflight.baseline, preflight.unfiltered_count
    if baseline is None or unfiltered is None:
        return None
    seen, remaining = baseline.seen_count, preflight.remaining_count
    if remaining is not None and _is_fall(seen, remaining):
        return _fewer_shown(baseline, seen, remaining)
    if unfiltered * 2 < (baseline.unfiltered_count or 0):
        return _fewer_shown(baseline, baseline.unfiltered_count or 0, unfiltered)
    if preflight.highest_id < (baseline.highest_id or 0):
        return _highest_id_fell(baseline, preflight.highest_id)
    return None


def _fewer_shown(baseline: Run, before: int, now: int) -> Suspicion:
    return Suspicion(
        SuspicionCode.FEWER_SHOWN,
        _(
            "Of the %(before)s batches that ConnectWise showed run %(run)s it shows %(now)s now. "
            "Check the API member's role and level. If the others were deleted, accept the count."
        )
        % {"before": grouped(before), "now": grouped(now), "run": baseline.pk},
    )


def _highest_id_fell(baseline: Run, highest_id: int) -> Suspicion:
    return Suspicion(
        SuspicionCode.HIGHEST_ID_FELL,
        _(
            "The highest batch id is %(now)s; run %(run)s saw %(before)s. If only the newest "
            "batches were deleted, accept the count. If the company was reset or restored, its "
            "ids are given out anew: clone the task, as its ledger is about the former batches."
        )
        % {"now": highest_id, "before": baseline.highest_id, "run": baseline.pk},
    )


def _date_ahead(run: Run, preflight: Preflight) -> Suspicion | None:
    date = {"modified": run.date_modified_before, "new": run.date_created_before}.get(run.export)
    now = _clock_of_connectwise(run, preflight)
    if date is None or date <= now:
        return None
    dates = {"date": date, "now": now}
    return Suspicion(
        SuspicionCode.DATE_AHEAD,
        _(
            "The date %(date)s lies ahead of ConnectWise's clock, %(now)s: what changes until "
            "then is not exported. Correct the date on the task."
        )
        % {name: utc_text(moment) for name, moment in dates.items()},
    )


def _clock_of_connectwise(run: Run, preflight: Preflight) -> datetime:
    """ConnectWise's current time, as `started_at` lies up to some seconds before it (W2)."""
    now = clock.now()
    # A preview has no `started_at`: it has just begun.
    return (preflight.started_at + (now - (run.started_at or now))).replace(microsecond=0)
