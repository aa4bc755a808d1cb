"""Short scenarios of what people do between runs, with and without a planted defect."""

from datetime import UTC, datetime, timedelta
from random import Random

from exports.connectwise.filter.conditions import Condition
from exports.demo.answers import Request
from exports.demo.records import seed_batches
from exports.models import Run, Task
from exports.pipeline.lease import shutdown
from exports.workers import jobs
from tests.stress.checker import Verdict
from tests.stress.interruptions import ResumePoint
from tests.stress.pace import Clock
from tests.stress.people import People
from tests.stress.pruning import Pruning
from tests.stress.sample_installation import (
    FILTERS,
    Filter,
    SampleInstallation,
    execute,
    finish,
    queue,
    run_cleanly,
)

# Matches about half of the 60 batches.
LOW = Filter((Condition("id", "LessThan", "60"),), lambda record: record["id"] < 60)
_BATCH_COUNT = 60


class Simulation:
    """A sample of 60 batches with one task; `verdict` grows during the scenario."""

    def __init__(self, clock: Clock, *, batch_count: int = _BATCH_COUNT) -> None:
        self.clock = clock
        self.sample = SampleInstallation(seed_batches(batch_count), parallel_requests=8)
        self.people = People(self.sample, Random(1))
        self.pruning = Pruning(self.sample, Random(1))
        self.verdict = Verdict()
        clock.skip(timedelta())

    def add_task(self, export: str, filter: Filter = FILTERS[0]) -> Task:
        return self.sample.add_task(export, 25, filter)

    def run(self, task: Task, *, after: timedelta = timedelta(hours=1)) -> Run:
        """A clean run, which must succeed."""
        self.clock.skip(after)
        return self.expect_success(run_cleanly(task))

    def expect_success(self, run: Run) -> Run:
        if run.status != "succeeded":
            self.verdict.find("lost", f"the clean {run} {run.status}: {run.error}")
        return run

    def touch(self, *positions: int, late: timedelta = timedelta()) -> None:
        """Change the batches at these positions; `late` stamps them with an earlier time."""
        journal = self.sample.journal
        stamp = f"{datetime.now(UTC) - late:%Y-%m-%dT%H:%M:%SZ}"
        for position in positions:
            journal.touch(journal.ids[position], stamp, batchIdentifier=f"touched {stamp}")

    def judge(self) -> Verdict:
        for task in self.sample.tasks:
            self.verdict.add(self.sample.judge_task(task))
        self.verdict.add(self.pruning.verdict)
        return self.verdict


def reexport_a_run(simulation: Simulation) -> None:
    """A re-export between a change and the run that has to export the change."""
    task = simulation.add_task("modified")
    simulation.run(task)
    simulation.touch(3, 8, 20)
    simulation.run(task)
    simulation.clock.skip(timedelta(hours=1))
    simulation.touch(5)
    simulation.clock.skip(timedelta(hours=1))
    run = jobs.queue_reexport(task, of_run=Run.objects.filter(task=task).order_by("id").last())
    simulation.sample.wanted[run.pk] = run.reexport_of_id or 0
    simulation.expect_success(execute(run))
    simulation.run(task)


def reexport_batches_of(simulation: Simulation) -> None:
    task = simulation.add_task("modified", LOW)
    simulation.run(task)
    run = simulation.people.reexport_batches_of(task)
    assert run is not None
    simulation.expect_success(execute(run))
    simulation.run(task)


def only_from_now_on(simulation: Simulation) -> None:
    """A change after the current date and before the choice is owed; one before the date is not."""
    _choose_from_now(simulation, "modified")


def only_from_now_on_of_new(simulation: Simulation) -> None:
    _choose_from_now(simulation, "new")


def _choose_from_now(simulation: Simulation, export: str) -> None:
    task = simulation.add_task(export, LOW)
    simulation.run(task)
    simulation.clock.skip(timedelta(hours=1))
    stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    simulation.sample.journal.add({"batchIdentifier": "between", "_info": {"lastUpdated": stamp}})
    simulation.clock.skip(timedelta(hours=1))
    simulation.people.change_filter(task, FILTERS[0])
    simulation.people.start_from_now(task)
    simulation.run(task)


def undo_a_date_typed_by_mistake(simulation: Simulation) -> None:
    """Typed past two changes that no run has exported yet, one of them late, and undone."""
    task = simulation.add_task("modified")
    simulation.run(task)
    simulation.touch(6, late=timedelta(minutes=5))
    simulation.clock.skip(timedelta(hours=1))
    simulation.touch(5)
    simulation.clock.skip(timedelta(hours=1))
    simulation.people.type_date(task, datetime.now(UTC).replace(microsecond=0))
    simulation.people.undo_date(task)
    simulation.run(task)


def type_a_date_back(simulation: Simulation) -> None:
    task = simulation.add_task("modified")
    simulation.run(task)
    half = simulation.sample.journal.shown()[_BATCH_COUNT // 2].updated_at
    simulation.people.type_date(task, half)
    simulation.run(task)
    simulation.run(task)


def type_a_date_forward(simulation: Simulation) -> None:
    """Batches that a person's date excludes stay excluded, even within the overlap."""
    task = simulation.add_task("modified")
    simulation.people.type_date(task, datetime.now(UTC).replace(microsecond=0))
    simulation.touch(5, late=timedelta(minutes=10))
    simulation.run(task, after=timedelta(minutes=1))


def change_conditions(simulation: Simulation) -> None:
    task = simulation.add_task("modified", LOW)
    simulation.run(task)
    simulation.people.change_filter(task, FILTERS[0])
    simulation.run(task)


def prune_between_runs(simulation: Simulation) -> None:
    """The next run asks again for what pruned runs have exported within the overlap."""
    task = simulation.add_task("modified")
    simulation.run(task)
    for position in (3, 8):
        simulation.touch(position)
        simulation.run(task, after=timedelta(minutes=1))
    simulation.pruning.prune_to_the_end()
    assert simulation.pruning.counts["runs deleted"] >= 2
    simulation.run(task, after=timedelta(minutes=1))


def stop_in_the_middle(simulation: Simulation) -> None:
    """At the third page the run is stopped as by SIGTERM; then the next attempt."""
    task = simulation.add_task("modified")
    run = queue(task)

    def stop(request: Request) -> None:
        pages = [
            one for one in simulation.sample.stand_in.requests.lists if "id asc" in str(one.query)
        ]
        if len(pages) == 3:
            shutdown.set()

    simulation.sample.during = stop
    execute(run)
    simulation.sample.during = None
    shutdown.clear()
    point = ResumePoint(simulation.sample, run)
    simulation.expect_success(finish(run))
    point.judge(simulation.verdict)


def walk_with_eight_requests(simulation: Simulation) -> None:
    """Enough pages for several ranges, with another page size than the run before."""
    task = simulation.add_task("modified")
    Task.objects.filter(pk=task.pk).update(page_size=2)
    simulation.run(task)
    simulation.touch(*range(50))
    Task.objects.filter(pk=task.pk).update(page_size=1)
    simulation.run(task)
