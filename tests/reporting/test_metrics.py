"""The figures for Prometheus: documented, right after pruning, in a constant number of queries."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from exports.models import Channel, Delivery, Message, Run, RunTally, Schedule, Task, Worker
from exports.models.codes import EventCode
from exports.models.events import record_event
from exports.reporting.metrics.table import METRICS
from exports.reporting.metrics.text import metrics_text
from tests.conftest import MakeTask
from tests.housekeeping.pruning import prune
from tests.screen_fixtures import fail, start, succeed

pytestmark = [pytest.mark.django_db, pytest.mark.rule("I3")]
ROOT = Path(__file__).parents[2]
Series = tuple[str, frozenset[tuple[str, str]]]


def read() -> dict[Series, float]:
    families = text_string_to_metric_families(metrics_text().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(name: str, **labels: str) -> float:
    return read()[name, frozenset(labels.items())]


def runs_of(task: Task) -> dict[str, float]:
    found = {
        result: value("cwexport_runs_total", task=task.name, result=result)
        for result in RunTally.Result.values
    }
    return {result: count for result, count in found.items() if count}


def test_every_metric_is_documented_and_told(
    task: Task, settings: Settings, tmp_path: Path
) -> None:
    settings.CWEXPORT_EXPORT_DIR = tmp_path
    succeed(task)
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$",
        (ROOT / "docs/metrics.md").read_text(),
        re.MULTILINE,
    )

    assert rows == [
        (row.name, row.kind, ", ".join(f"`{name}`" for name in row.labels), row.meaning)
        for row in METRICS
    ]
    told = {(re.sub(r"_(sum|count)$", "", name), frozenset(dict(of))) for (name, of) in read()}
    assert {(name, labels - {"result"}) for name, labels in told} >= {
        (row.name, frozenset(row.labels) - {"result"}) for row in METRICS
    }


def test_runs_are_counted_by_result(make_task: MakeTask, user: User) -> None:
    task = make_task(name='One "and" \\ only')
    succeed(task)
    succeed(task, suspicion="Far fewer.", suspicion_code="suspicion.fewer_shown")
    fail(task)
    task.queue_run(Run.Trigger.MANUAL, user).cancel(user)
    start(task).finish_cancelled("worker-1")

    assert runs_of(task) == {"succeeded": 1, "suspicious": 1, "failed": 1, "cancelled": 2}
    assert value("cwexport_batches_total", task=task.name) == 568
    assert value("cwexport_task_failing", task=task.name) == 1


def test_pruning_takes_nothing_from_counters(task: Task) -> None:
    for _ in range(3):
        succeed(task)
        fail(task).close_failure()
    succeed(task)
    before = {key: count for key, count in read().items() if key[0].endswith(("_total", "_sum"))}
    pruned = prune(task)
    after = read()

    assert len(pruned) >= 5
    assert {key: after[key] for key in before} == before


def test_lost_race_counts_no_run(task: Task) -> None:
    run, other = start(task), Run.objects.get()
    run.fail("worker-1", "No answer.")
    with pytest.raises(Exception, match="no longer held"):
        other.finish_cancelled("worker-1")

    assert runs_of(task) == {"failed": 1}


def test_last_success_leaves_reexports_aside(task: Task) -> None:
    run = succeed(task)
    ended = timezone.now() - timedelta(hours=2)
    task_rows = {"task": task.name}
    RunTally.objects.update(last_at=ended)
    again = task.queue_reexport(None, of_run=run)
    again.claim("worker-1")
    again.fail("worker-1", "No answer.")

    assert 7_190 < value("cwexport_task_last_success_age_seconds", **task_rows) < 7_500
    assert value("cwexport_task_failing", **task_rows) == 0
    assert runs_of(task) == {"succeeded": 1, "failed": 1}


def test_queue_and_workers_are_told(make_task: MakeTask) -> None:
    make_task().queue_run(Run.Trigger.MANUAL, None)
    Run.objects.update(queued_at=timezone.now() - timedelta(minutes=5))
    start(make_task(name="Other", output_file="other.xml"))
    Worker.objects.see("one", 1)
    Worker.objects.see("dead", 2)
    Worker.objects.filter(name="dead").update(seen_at=timezone.now() - timedelta(minutes=5))

    assert value("cwexport_queue_length") == 1
    assert 299 < value("cwexport_queue_oldest_seconds") < 400
    assert value("cwexport_runs_running") == 1
    assert value("cwexport_workers_alive") == 1


def test_outbox_and_schedules_are_told(task: Task) -> None:
    channel = Channel.objects.create(name="Ops", kind="webhook", settings={})
    channel.subscriptions.create(code=EventCode.NO_WORKER_ALIVE)
    record_event(EventCode.NO_WORKER_ALIVE)
    Delivery.objects.plan(succeed(task))
    for is_paused in (True, False, False):
        Schedule.objects.create(task=task, cron="0 6 * * *", zone="UTC", is_paused=is_paused)
    told = read()

    assert Message.objects.count() == told["cwexport_messages", frozenset({("state", "waiting")})]
    assert told["cwexport_deliveries", frozenset({("state", "waiting")})] == 1
    assert told["cwexport_schedules", frozenset({("state", "active")})] == 2
    assert told["cwexport_due_times_last_day", frozenset({("state", "missed")})] == 0


def test_number_of_queries_stays_the_same(make_task: MakeTask) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            metrics_text()
        return len(queries)

    succeed(make_task())
    few = count()
    for number in range(20):
        succeed(make_task(name=f"Task {number}", output_file=f"{number}.xml"))

    assert count() == few < 30
