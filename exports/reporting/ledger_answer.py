"""Says in a sentence whether batches went out; *No* only where it is certain, and of what (W13)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.connectwise.filter.literals import shown
from exports.models import LedgerEntry
from exports.number_formats import grouped
from exports.reporting.ledger_search import Found, LedgerSearch
from exports.templatetags.formatting import exact_text

_MAX_NAMED = 40


class Verdict(StrEnum):
    """Also the name of the answer's icon and colour."""

    YES = "success"
    PARTLY = "warning"
    NO = "error"
    UNCERTAIN = "info"


@dataclass(frozen=True)
class Answer:
    """The sentence that answers, and what one has to know to rely on it."""

    verdict: Verdict
    sentence: str
    notes: tuple[str, ...] = ()


def answer_of(search: LedgerSearch) -> Answer | None:
    """None where no batch was asked for."""
    if not search.terms:
        return None
    found = search.found
    if len(found) == 1 and found[0].asked_count == 1:
        verdict, sentence = _of_one(search, found[0])
    else:
        verdict, sentence = _of_several(search, found)
    return Answer(verdict, sentence, tuple(_notes(search, verdict)))


def _of_one(search: LedgerSearch, found: Found) -> tuple[Verdict, str]:
    if found.count:
        return Verdict.YES, _yes(search, found)
    if found.term.span is None and search.last_unidentified:
        message = _("Not certain: no batch with the identifier %(name)s is on record.")
        return Verdict.UNCERTAIN, message % {"name": shown(found.term.identifier)}
    return Verdict.NO, _no(search, found)


def _yes(search: LedgerSearch, found: Found) -> str:
    entries = search.entries
    newest: LedgerEntry = entries.select_related("run")[0]
    batch_ids = found.ids | found.identified_ids
    if len(batch_ids) > 1:
        message = _(
            "Yes: %(count)s batches are called %(name)s. The newest file with one is that of run "
            "%(run)s of %(task)s, %(moment)s."
        )
    else:
        message = ngettext(
            "Yes: batch %(batch)s went out, last in run %(run)s of %(task)s, %(moment)s. It is in "
            "%(count)s file.",
            "Yes: batch %(batch)s went out, last in run %(run)s of %(task)s, %(moment)s. It is in "
            "%(count)s files, newest first.",
            file_count := entries.order_by().count(),
        )
    name = newest.batch_identifier
    return message % {
        "batch": f"{newest.batch_id} ({name})" if name else newest.batch_id,
        "count": grouped(len(batch_ids) if len(batch_ids) > 1 else file_count),
        "name": shown(found.term.text),
        "run": newest.run_id,
        "task": newest.run.task_name,
        "moment": exact_text(newest.run.finished_at) if newest.run.finished_at else "–",
    }


def _no(search: LedgerSearch, found: Found) -> str:
    term, task = found.term, search.task
    if term.span is None:
        message = (
            _("No: %(task)s has not exported a batch with the identifier %(name)s.")
            if task
            else _(
                "No: no task of this installation has exported a batch with the identifier "
                "%(name)s."
            )
        )
    elif term.identifier and not search.last_unidentified:
        message = (
            _("No: %(task)s has exported neither batch id %(id)s nor a batch called %(name)s.")
            if task
            else _(
                "No: no task of this installation has exported batch id %(id)s or a batch called "
                "%(name)s."
            )
        )
    else:
        message = (
            _("No: %(task)s has not exported batch id %(id)s.")
            if task
            else _("No: no task of this installation has exported batch id %(id)s.")
        )
    number = term.span.start if term.span else ""
    return message % {"task": task, "id": number, "name": shown(term.identifier)}


def _of_several(search: LedgerSearch, found: list[Found]) -> tuple[Verdict, str]:
    asked_count = sum(one.asked_count for one in found)
    found_count = sum(one.count for one in found)
    if found_count >= asked_count:
        return Verdict.YES, _("Yes: all of them went out.")
    is_unsure = search.last_unidentified is not None
    absent, unsure = list[str](), list[str]()
    for one in found:
        if not one.count and one.term.span is None:
            (unsure if is_unsure else absent).append(shown(one.term.identifier))
        else:
            absent += _ranges(one.missing_ids)
    message = _("%(found)s of %(count)s went out.")
    sentences = [message % {"found": grouped(found_count), "count": grouped(asked_count)}]
    if absent:
        sentences.append(_("Not: %(missing)s.") % {"missing": _listed(absent)})
    if unsure:
        sentences.append(
            _("Not on record, but not certain: %(names)s.") % {"names": _listed(unsure)}
        )
    verdict = Verdict.PARTLY if found_count else Verdict.UNCERTAIN if unsure else Verdict.NO
    return verdict, " ".join(sentences)


def _listed(names: list[str]) -> str:
    more_count = len(names) - _MAX_NAMED
    shown_names = ", ".join(names[:_MAX_NAMED])
    if more_count <= 0:
        return shown_names
    return _("%(names)s and %(count)s more") % {"names": shown_names, "count": grouped(more_count)}


def _ranges(ids: Iterable[int]) -> list[str]:
    """`284`, `290-295`."""
    spans: list[list[int]] = []
    for number in ids:
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ["-".join(map(str, span)) for span in spans]


def _notes(search: LedgerSearch, verdict: Verdict) -> Iterator[str]:
    for one in search.found:
        others = one.identified_ids - one.ids
        if one.ids and others:
            message = _("%(text)s is the identifier of batch %(ids)s.")
            ids = _listed([str(number) for number in sorted(others)])
            yield message % {"text": shown(one.term.text), "ids": ids}
    if search.days:
        yield _days_note(search)
    if verdict == Verdict.YES:
        return
    yield from _limits(search)


def _days_note(search: LedgerSearch) -> str:
    first, last = search.days.first, search.days.last
    zone = timezone.get_current_timezone_name()
    if first and last:
        message = _("Only what went out from %(first)s to %(last)s (%(zone)s) was looked at.")
    elif first:
        message = _("Only what went out since %(first)s (%(zone)s) was looked at.")
    else:
        message = _("Only what went out until %(last)s (%(zone)s) was looked at.")
    return message % {"first": first, "last": last, "zone": zone}


def _limits(search: LedgerSearch) -> Iterator[str]:
    """What the record covers, so that a *No* can be relied on."""
    if search.oldest and search.oldest.finished_at:
        message = _("On record is every export since run %(run)s (%(day)s).")
        day = timezone.localtime(search.oldest.finished_at)
        yield message % {"run": search.oldest.pk, "day": f"{day:%Y-%m-%d}"}
    else:
        yield _("Nothing has been exported yet.")
    last = search.last_unidentified
    if last and any(term.identifier for term in search.terms):
        message = _(
            "Of batches exported up to run %(run)s (%(day)s) some identifiers are not known, as "
            "their files are no longer kept; search for the API id to be certain."
        )
        day_text = f"{timezone.localtime(last.finished_at):%Y-%m-%d}" if last.finished_at else "–"
        yield message % {"run": last.pk, "day": day_text}
    if search.active_count:
        message = ngettext(
            "%(count)s run is active now; what it exports is found here once it has succeeded.",
            "%(count)s runs are active now; what they export is found here once they have "
            "succeeded.",
            search.active_count,
        )
        yield message % {"count": grouped(search.active_count)}
