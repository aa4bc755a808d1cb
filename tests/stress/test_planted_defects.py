"""A defect planted in the product for each action of people: the checker finds all of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exports.connectwise.paging.keyset import NewRecords, paginate
from exports.connectwise.paging.parallel import paginate_in_parallel
from exports.housekeeping import pruning, rounds
from exports.models import LedgerEntry, Run, Task, frozen_runs, sync_window, tasks
from exports.models.ledger import LedgerQuerySet
from tests.stress import scenarios
from tests.stress.checker import VIOLATIONS, Verdict
from tests.stress.pace import Clock, quick_retries
from tests.stress.scenarios import Simulation

pytestmark = pytest.mark.django_db(transaction=True)

Scenario = Callable[[Simulation], None]
Plant = Callable[[pytest.MonkeyPatch], None]

# Of the batches of a sample the highest id, which the scenario's conditions leave out.
_NOT_EXPORTED = 284

SCENARIOS: list[Scenario] = [
    scenarios.reexport_a_run,
    scenarios.reexport_batches_of,
    scenarios.only_from_now_on,
    scenarios.only_from_now_on_of_new,
    scenarios.undo_a_date_typed_by_mistake,
    scenarios.type_a_date_back,
    scenarios.type_a_date_forward,
    scenarios.change_conditions,
    scenarios.prune_between_runs,
    scenarios.stop_in_the_middle,
    scenarios.walk_with_eight_requests,
]


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    clock = Clock()
    with quick_retries():
        made = Simulation(clock)
        yield made
    made.sample.close()
    clock.stop()


def kinds(verdict: Verdict) -> set[str]:
    return {kind for kind in VIOLATIONS if getattr(verdict, kind)}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.rule("W6")
def test_scenario_without_defect_breaks_no_promise(
    simulation: Simulation, scenario: Scenario
) -> None:
    scenario(simulation)

    assert simulation.judge().findings == []


def moves_the_date(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Run, "is_reexport", property(lambda run: False))


def repeats_one_too_few(plant: pytest.MonkeyPatch) -> None:
    whole = LedgerQuerySet.exported_by
    plant.setattr(LedgerQuerySet, "exported_by", lambda *given: set(sorted(whole(*given))[1:]))


def repeats_what_lies_between(plant: pytest.MonkeyPatch) -> None:
    def all_between(ledger: LedgerQuerySet, run_id: int) -> Iterator[int]:
        lowest, highest = ledger.range_of(run_id)
        return iter(range(lowest, highest + 1))

    plant.setattr(LedgerQuerySet, "ids_of", all_between)
    plant.setattr(LedgerQuerySet, "exported_by", lambda _, __, ids: set(ids))


def repeats_other_batches(plant: pytest.MonkeyPatch) -> None:
    true = frozen_runs.frozen_reexport

    def frozen(task: Task, user: Any, of_run: Run | None, batch_ids: Any) -> Run:
        run = true(task, user, of_run, batch_ids)
        run.reexport_ids = [*run.reexport_ids[1:], _NOT_EXPORTED]
        return run

    plant.setattr(tasks, "frozen_reexport", frozen)


def _type(task: Task, field: str, moment: datetime) -> None:
    before = Task.objects.get(pk=task.pk)
    Task.objects.filter(pk=task.pk).update(**{field: moment})
    Task.objects.get(pk=task.pk).record_typed_dates(before, None)


def forgets_what_changed_before_the_click(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(
        Task, "start_from_now", lambda task, field, _: _type(task, field, datetime.now(UTC))
    )


def starts_again_all_the_same(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Task, "start_from_now", lambda *_: None)


def leaves_the_date(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Task, "undo_date", lambda *_: None)


def restores_the_date_without_its_origin(plant: pytest.MonkeyPatch) -> None:
    def undo(task: Task, field: str, user: Any) -> None:
        old, older = task.date_changes.filter(field=field).order_by("-id")[:2]
        assert old.date_before == older.date_after
        _type(task, field, older.date_after)

    plant.setattr(Task, "undo_date", undo)


def _with_window(plant: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    true = sync_window.next_window
    plant.setattr(frozen_runs, "next_window", lambda *given: change(true(*given)))


def leaves_out_what_went_out(plant: pytest.MonkeyPatch) -> None:
    _with_window(plant, lambda window: replace(window, skips_known=True))


def reaches_back_behind_a_typed_date(plant: pytest.MonkeyPatch) -> None:
    by = timedelta(minutes=15)
    _with_window(plant, lambda window: replace(window, modified_after=window.modified_after - by))


def goes_on_from_the_date(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(sync_window, "is_vouched", lambda *_: True)


def takes_the_ledger_along(plant: pytest.MonkeyPatch) -> None:
    true = rounds.delete_marked

    def delete_marked(runs: Sequence[Run], *given: Any) -> Iterator[Run]:
        LedgerEntry.objects.filter(run__in=[run.pk for run in runs]).delete()
        return true(runs, *given)

    plant.setattr(rounds, "delete_marked", delete_marked)


def takes_the_newest_file(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(pruning, "keep_reason_of", lambda run: None)


def _giving_back(plant: pytest.MonkeyPatch, **fields: Any) -> None:
    true = Run.requeue

    def requeue(run: Run, owner: str, *, stalled_count: int = 0) -> None:
        true(run, owner, stalled_count=stalled_count)
        Run.objects.filter(pk=run.pk).update(**fields)

    plant.setattr(Run, "requeue", requeue)


def loses_the_resume_point(plant: pytest.MonkeyPatch) -> None:
    _giving_back(plant, part_name="")


def ends_the_run(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Run, "requeue", lambda run, owner, **_: run.fail(owner, "The worker ended."))


def _in_every_attempt(
    plant: pytest.MonkeyPatch, change: Callable[[Iterator[NewRecords]], Any]
) -> None:
    """Also in the second attempt, which fetches page by page and would hide the first's defect."""
    for function in (paginate, paginate_in_parallel):
        plant.setattr(
            f"exports.pipeline.part_writer.{function.__name__}",
            lambda *given, _function=function, **more: change(_function(*given, **more)),
        )


def writes_pages_in_another_order(plant: pytest.MonkeyPatch) -> None:
    _in_every_attempt(plant, lambda pages: reversed(list(pages)))


def skips_a_page(plant: pytest.MonkeyPatch) -> None:
    _in_every_attempt(plant, lambda pages: (page for n, page in enumerate(pages) if n != 7))


@pytest.mark.parametrize(
    ("scenario", "plant", "found"),
    [
        (scenarios.reexport_a_run, moves_the_date, {"lost"}),
        (scenarios.reexport_a_run, repeats_one_too_few, {"lost"}),
        (scenarios.reexport_a_run, repeats_what_lies_between, {"unexpected"}),
        (scenarios.reexport_batches_of, repeats_other_batches, {"lost", "unexpected"}),
        (
            scenarios.only_from_now_on,
            forgets_what_changed_before_the_click,
            {"lost", "broken"},
        ),
        (scenarios.only_from_now_on, starts_again_all_the_same, {"unexpected"}),
        (
            scenarios.only_from_now_on_of_new,
            forgets_what_changed_before_the_click,
            {"lost", "broken"},
        ),
        (scenarios.only_from_now_on_of_new, starts_again_all_the_same, {"unexpected"}),
        (scenarios.undo_a_date_typed_by_mistake, leaves_the_date, {"lost", "broken"}),
        (
            scenarios.undo_a_date_typed_by_mistake,
            restores_the_date_without_its_origin,
            {"lost"},
        ),
        (scenarios.type_a_date_back, leaves_out_what_went_out, {"lost"}),
        (scenarios.type_a_date_forward, reaches_back_behind_a_typed_date, {"unexpected"}),
        (scenarios.change_conditions, goes_on_from_the_date, {"lost"}),
        (scenarios.prune_between_runs, takes_the_ledger_along, {"duplicated"}),
        (scenarios.prune_between_runs, takes_the_newest_file, {"broken"}),
        (scenarios.stop_in_the_middle, loses_the_resume_point, {"broken"}),
        (scenarios.stop_in_the_middle, ends_the_run, {"lost"}),
        (scenarios.walk_with_eight_requests, writes_pages_in_another_order, {"lost"}),
        (scenarios.walk_with_eight_requests, skips_a_page, {"lost"}),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_the_checker_finds(
    simulation: Simulation,
    scenario: Scenario,
    plant: Plant,
    found: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as planted:
        plant(planted)
        scenario(simulation)

    assert kinds(simulation.judge()) == found
