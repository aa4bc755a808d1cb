"""Short stories of what people do between runs, played once with and once without a defect."""

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
from tests.stress.sample_installation import (
    FILTERS,
    Filter,
    Scene,
    execute,
    finish,
    queue,
    run_cleanly,
)

# Meets about half of the 60 batches.
LOW = Filter((Condition("id", "LessThan", "60"),), lambda record: record["id"] < 60)
_BATCH_COUNT = 60


class Stage:
    """A scene of 60 batches with one task; `verdict` grows as the story goes on."""

    def __init__(self, clock: Clock, *, batch_count: int = _BATCH_COUNT) -> None:
        self.clock = clock
        self.scene = Scene(seed_batches(batch_count), parallel_requests=8)
        self.people = People(self.scene, Random(1))
        self.verdict = Verdict()
        clock.skip(timedelta())

    def add_task(self, export: str, filter: Filter = FILTERS[0]) -> Task:
        return self.scene.add_task(export, 25, filter)

    def run(self, task: Task, *, after: timedelta = timedelta(hours=1)) -> Run:
        """A clean run, which has to succeed."""
        self.clock.skip(after)
        return self.expect_success(run_cleanly(task))

    def expect_success(self, run: Run) -> Run:
        if run.status != "succeeded":
            self.verdict.find("lost", f"the clean {run} {run.status}: {run.error}")
        return run

    def touch(self, *positions: int, late: timedelta = timedelta()) -> None:
        """Change the batches at these places; `late` stamps them as if it had been before."""
        journal = self.scene.journal
        stamp = f"{datetime.now(UTC) - late:%Y-%m-%dT%H:%M:%SZ}"
        for position in positions:
            journal.touch(journal.ids[position], stamp, batchIdentifier=f"touched {stamp}")

    def judge(self) -> Verdict:
        for task in self.scene.tasks:
            self.verdict.add(self.scene.judge_task(task))
        return self.verdict


def reexport_a_run(stage: Stage) -> None:
    """The repeat comes between a change and the run that has to bring the change."""
    task = stage.add_task("modified")
    stage.run(task)
    stage.touch(3, 8, 20)
    stage.run(task)
    stage.clock.skip(timedelta(hours=1))
    stage.touch(5)
    stage.clock.skip(timedelta(hours=1))
    run = jobs.queue_reexport(task, of_run=Run.objects.filter(task=task).order_by("id").last())
    stage.scene.wanted[run.pk] = run.reexport_of_id or 0
    stage.expect_success(execute(run))
    stage.run(task)


def reexport_batches_of(stage: Stage) -> None:
    task = stage.add_task("modified", LOW)
    stage.run(task)
    run = stage.people.reexport_batches_of(task)
    assert run is not None
    stage.expect_success(execute(run))
    stage.run(task)


def only_from_now_on(stage: Stage) -> None:
    """Changed after the date in force and before the choice: owed. Changed before: not."""
    _choose_from_now(stage, "modified")


def only_from_now_on_of_new(stage: Stage) -> None:
    _choose_from_now(stage, "new")


def _choose_from_now(stage: Stage, export: str) -> None:
    task = stage.add_task(export, LOW)
    stage.run(task)
    stage.clock.skip(timedelta(hours=1))
    stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    stage.scene.journal.add({"batchIdentifier": "between", "_info": {"lastUpdated": stamp}})
    stage.clock.skip(timedelta(hours=1))
    stage.people.change_filter(task, FILTERS[0])
    stage.people.start_from_now(task)
    stage.run(task)


def undo_a_date_typed_by_mistake(stage: Stage) -> None:
    """Typed past two changes that no run has brought yet, one of them late, and taken back."""
    task = stage.add_task("modified")
    stage.run(task)
    stage.touch(6, late=timedelta(minutes=5))
    stage.clock.skip(timedelta(hours=1))
    stage.touch(5)
    stage.clock.skip(timedelta(hours=1))
    stage.people.type_date(task, datetime.now(UTC).replace(microsecond=0))
    stage.people.undo_date(task)
    stage.run(task)


def type_a_date_back(stage: Stage) -> None:
    task = stage.add_task("modified")
    stage.run(task)
    half = stage.scene.journal.shown()[_BATCH_COUNT // 2].updated_at
    stage.people.type_date(task, half)
    stage.run(task)
    stage.run(task)


def type_a_date_forward(stage: Stage) -> None:
    """What a person's date left out stays out, although it lies within the overlap."""
    task = stage.add_task("modified")
    stage.people.type_date(task, datetime.now(UTC).replace(microsecond=0))
    stage.touch(5, late=timedelta(minutes=10))
    stage.run(task, after=timedelta(minutes=1))


def change_conditions(stage: Stage) -> None:
    task = stage.add_task("modified", LOW)
    stage.run(task)
    stage.people.change_filter(task, FILTERS[0])
    stage.run(task)


def stop_in_the_middle(stage: Stage) -> None:
    """At the third page comes what SIGTERM sets; then the next attempt."""
    task = stage.add_task("modified")
    run = queue(task)

    def stop(request: Request) -> None:
        pages = [one for one in stage.scene.stand_in.requests.lists if "id asc" in str(one.query)]
        if len(pages) == 3:
            shutdown.set()

    stage.scene.during = stop
    execute(run)
    stage.scene.during = None
    shutdown.clear()
    point = ResumePoint(stage.scene, run)
    stage.expect_success(finish(run))
    point.judge(stage.verdict)


def walk_with_eight_requests(stage: Stage) -> None:
    """Enough pages for windows, of another size than at the run before."""
    task = stage.add_task("modified")
    Task.objects.filter(pk=task.pk).update(page_size=2)
    stage.run(task)
    stage.touch(*range(50))
    Task.objects.filter(pk=task.pk).update(page_size=1)
    stage.run(task)
