"""What each file may hold and what is owed, from decisions and runs, for the checker."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from exports.models import DateChange, Task
from tests.stress.checker import Exported, Matches, Promise, TornError, read_file
from tests.stress.decisions import Account, Origin, Terms
from tests.stress.journal import JournalStore


def deciding_field(task: Task) -> str:
    """The date that the task's mode uses; All uses none, and moves both."""
    return "date_created" if task.export == "new" else "date_modified"


def moves_of(task: Task) -> dict[int, datetime]:
    """Where runs moved the deciding date, by run number, including undone moves."""
    moves = DateChange.objects.filter(task=task, field=deciding_field(task), origin="run")
    return {change.run_id: change.date_after for change in moves if change.run_id}


def allow(
    task: Task,
    runs: Sequence[Exported],
    account: Account,
    wanted: Mapping[int, int | Collection[int]],
    journal: JournalStore,
) -> list[Exported]:
    """The runs of one task, with what each of them was allowed to hold.

    `wanted`: for each *Export again*, the run number or the ids to export.
    """
    moves = moves_of(task)
    by_id = {run.run_id: run for run in runs}
    allowed = []
    for run in runs:
        if run.run_id in wanted:
            ids = _ids_of(wanted[run.run_id], by_id)
            allowed.append(replace(run, repeats=True, wanted=ids))
        elif task.export == "all":
            allowed.append(replace(run, repeats=True))
        else:
            terms = account.terms(moves, before_run=run.run_id)
            run = replace(run, repeats=terms.repeats)
            if task.export == "modified":
                allowed.append(replace(run, floor=terms.floor))
            else:
                allowed.append(replace(run, floor_id=_floor_id(run, terms, by_id, journal)))
    return allowed


def owe(
    task: Task,
    matches: Mapping[str, Matches],
    runs: Sequence[Exported],
    account: Account,
    journal: JournalStore,
) -> Promise:
    """What the task owes after its last, clean run.

    All owes everything in that run's file. Modified owes what was last updated after the date that
    a person last decided on. New owes the ids above those that had, since that decision, ever been
    last updated up to its date; or, with *only from now on*, above those visible up to the end of
    the run that had moved the date.
    """
    promise = Promise(matches, task.rendered_conditions(), by_id=task.export == "new")
    if task.export == "all":
        regular = [run.run_id for run in runs if run.wanted is None]
        return replace(promise, since=regular[-1] - 1 if regular else 0)
    terms = account.terms(moves_of(task))
    if task.export == "modified":
        return replace(promise, since=terms.since, owed_after=terms.floor)
    decided = terms.decided
    now = max(run.finished_at for run in runs)
    if decided.origin is Origin.FROM_NOW:
        kept = next(run for run in runs if run.run_id == decided.run_id)
        above = journal.highest_id(kept.started_at, kept.finished_at)
    else:
        above = journal.highest_id(decided.at, now, updated_up_to=decided.moment)
    return replace(promise, since=terms.since, owed_above=above)


def _ids_of(asked: int | Collection[int], runs: Mapping[int, Exported]) -> frozenset[int]:
    if not isinstance(asked, int):
        return frozenset(asked)
    try:
        return frozenset(int(facts[0] or 0) for facts in read_file(runs[asked]))
    except TornError:
        return frozenset()


def _floor_id(
    run: Exported, terms: Terms, runs: Mapping[int, Exported], journal: JournalStore
) -> int:
    """The lowest id where New could start; 0 where late arrivals and changes leave that open."""
    decided = terms.decided
    if terms.repeats:
        return journal.highest_id_throughout(
            run.started_at, run.finished_at, updated_up_to=decided.moment
        )
    # The choice holds only for its conditions, and while all runs had these.
    since = [run, *(runs[number] for number in terms.moved_by if number in runs)]
    is_kept = all(one.conditions == decided.conditions for one in since)
    if decided.origin is Origin.FROM_NOW and is_kept and decided.run_id in runs:
        kept = runs[decided.run_id]
        return journal.highest_id_throughout(kept.started_at, kept.finished_at)
    return 0
