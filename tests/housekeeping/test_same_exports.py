"""Pruning changes nothing that later runs fetch or skip: two tasks, one of them pruned (G1)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from django.utils import timezone

from exports.connectwise.filter.conditions import Condition
from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.models import Run, RunSummary, Task
from exports.models.errors import TaskUnusableError
from exports.models.sync_window import restart_of
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.faults.passing_time import Wait, time_passes, type_date, z
from tests.faults.test_visibility import hide, show_again
from tests.housekeeping.pruning import prune
from tests.run_files import run_file

__all__ = ["time_passes"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("G1")]

STEPS = 8


@dataclass
class Twins:
    """Two tasks to which the same happens; only the first one is ever pruned."""

    tasks: tuple[Task, Task]
    stand_in: StandIn
    random: Random
    pruned_count: int = 0
    hidden: list[dict[str, object]] = field(default_factory=list)
    runs: list[tuple[int, int]] = field(default_factory=list)

    def act(self) -> None:
        """Something that people do to the tasks or in ConnectWise."""
        for do in self.random.sample(self._deeds(), 2):
            do()

    def run_both(self) -> None:
        again = self.random.random() < 0.25 and self.runs
        chosen = self.random.choice(self.runs) if again else (None, None)
        runs = [self._run(task, of_run) for task, of_run in zip(self.tasks, chosen, strict=True)]
        assert _facts(runs[0]) == _facts(runs[1])
        if runs[0].batch_count:
            self.runs.append((runs[0].pk, runs[1].pk))
        self.pruned_count += len(prune(self.tasks[0]))

    def _run(self, task: Task, of_run: int | None) -> Run:
        task = Task.objects.get(pk=task.pk)
        if of_run is None:
            return run_now(task)
        queued = jobs.queue_reexport(task, of_run=RunSummary.objects.get(pk=of_run))
        jobs.execute_here(queued.pk, queued.attempt)
        return Run.objects.get(pk=queued.pk)

    def _deeds(self) -> list[Callable[[], None]]:
        return [
            *(self._add, self._touch, self._touch, self._delete, self._hide_or_show),
            *(self._type_date, self._undo, self._change_conditions, self._from_now, self._accept),
        ]

    def _add(self) -> None:
        highest = max(self.stand_in.store.ids, default=0)
        for record in seed_batches(3):
            highest += 1
            self.stand_in.store.put({**record, "id": highest})

    def _touch(self) -> None:
        ids = self.stand_in.store.ids
        for number in self.random.sample(ids, min(len(ids), 5)):
            self.stand_in.store.touch(number, z(timezone.now()))

    def _delete(self) -> None:
        self.stand_in.store.delete(self.random.choice(self.stand_in.store.ids))

    def _hide_or_show(self) -> None:
        if self.hidden:
            show_again(self.stand_in, self.hidden)
            self.hidden = []
        else:
            self.hidden = hide(self.stand_in, self.stand_in.store.ids[-60:])

    def _type_date(self) -> None:
        moment = (timezone.now() - timedelta(hours=self.random.randint(0, 48))).replace(
            microsecond=0
        )
        for task in self.tasks:
            type_date(task, date_created=moment, date_modified=moment)

    def _undo(self) -> None:
        for task in self.tasks:
            fresh = Task.objects.get(pk=task.pk)
            with suppress(TaskUnusableError):
                fresh.undo_date(f"date_{'created' if fresh.export == 'new' else 'modified'}", None)

    def _change_conditions(self) -> None:
        row = Condition("id", "NotEqual", str(self.random.randint(1, 3)))
        for task in self.tasks:
            task.replace_conditions([row])

    def _from_now(self) -> None:
        for task in self.tasks:
            fresh = Task.objects.get(pk=task.pk)
            if restart := restart_of(fresh, fresh.rendered_conditions()):
                fresh.start_from_now(restart.field, None)

    def _accept(self) -> None:
        for task in self.tasks:
            newest = task.runs.order_by("-id").first()
            if newest is not None:
                newest.accept_count("They were deleted.", name="somebody")


def _facts(run: Run) -> tuple[object, ...]:
    content = run_file(run).read_bytes() if run.file_path else b""
    return (run.status, run.suspicion_code, run.error_code, run.batch_count, content)


@pytest.mark.parametrize("export", ["modified", "new"])
@pytest.mark.parametrize("seed", [1, 2])
def test_pruned_task_exports_the_same(
    seed: int, export: str, make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    tasks = [
        make_task(export=export, name=f"Task {name}", output_file=f"{name}.xml") for name in "ab"
    ]
    twins = Twins((tasks[0], tasks[1]), stand_in, Random(seed))
    twins.run_both()

    for _step in range(STEPS):
        twins.act()
        time_passes(timedelta(minutes=twins.random.choice((2, 10, 60, 600))))
        twins.run_both()

    assert twins.pruned_count >= STEPS // 2
    assert tasks[0].runs.count() < tasks[1].runs.count() - STEPS // 2
