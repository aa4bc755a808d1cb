"""run_task: queue, wait, execute without a worker, one JSON line, an exit code."""

import hashlib
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from exports.demo.answers import LIST
from exports.demo.faults import Nothing, Status
from exports.demo.server import StandIn
from exports.models import Run, Task, Worker
from exports.workers import jobs
from tests.conftest import MakeTask
from tests.management.installation import install, manage
from tests.processes import environment
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, its output, the JSON in it."""

    code: int
    message: str
    line: dict[str, Any]


def run_task(*arguments: str) -> Ended:
    out, message = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("run_task", *arguments, stdout=out, stderr=message)
    code = ended.value.code
    assert isinstance(code, int)
    assert out.getvalue().count("\n") in (0, 1)
    return Ended(code, message.getvalue(), json.loads(out.getvalue() or "{}"))


def test_without_a_worker_the_run_is_executed_here(task: Task, stand_in: StandIn) -> None:
    ended = run_task("Nightly batches")

    run = Run.objects.get()
    file = run_file(run)
    assert ended.code == 0
    assert list(ended.line) == ["run", "status", "batches", "file", "sha256", "error"]
    assert ended.line == {
        "run": run.pk,
        "status": "succeeded",
        "batches": len(stand_in.store),
        "file": str(file),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "error": None,
    }
    assert file.is_absolute()
    assert run.trigger == "command"


def test_worker_that_dies_waiting_is_replaced(task: Task) -> None:
    Worker.objects.see("another", 1)
    # Its heartbeat still counts as alive for one more second.
    Worker.objects.update(seen_at=timezone.now() - timedelta(seconds=29))

    assert run_task("Nightly batches").code == 0


def test_run_of_dead_worker_is_ended(make_task: MakeTask) -> None:
    task = make_task(can_resume_from_failure=False)
    run = task.queue_run(Run.Trigger.MANUAL)
    assert run.claim("dead")
    Run.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))

    ended = run_task("Nightly batches")

    run.refresh_from_db()
    assert ended.code == 1
    assert ended.line == {
        "run": run.pk,
        "status": "failed",
        "batches": None,
        "file": None,
        "sha256": None,
        "error": run.error,
    }
    assert run.error


def test_an_active_run_is_waited_for_and_reported(task: Task) -> None:
    active = jobs.queue_run(task, Run.Trigger.MANUAL)

    ended = run_task("Nightly batches")

    assert (ended.code, ended.line["run"], Run.objects.count()) == (0, active.pk, 1)
    assert f"{active} is already queued. Waiting for it." in ended.message


def test_failed_run_explains_and_exits_with_1(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Status(403))

    ended = run_task("Nightly batches")

    run = Run.objects.get()
    assert (ended.code, ended.line["status"]) == (1, "failed")
    assert ended.line["error"] == run.error
    assert "Inquire = All" in run.error
    assert (ended.line["file"], ended.line["sha256"], ended.line["batches"]) == (None, None, None)


def test_the_failure_task_runs_here_too(make_task: MakeTask, stand_in: StandIn) -> None:
    second = make_task(name="Second", output_file="second.xml")
    make_task(on_failure_task=second)
    stand_in.faults.add(Status(403, on=(LIST,), times=1))

    ended = run_task("Nightly batches")

    assert (ended.code, ended.line["status"]) == (1, "failed")
    assert list(Run.objects.order_by("id").values_list("task_name", "status")) == [
        ("Nightly batches", "failed"),
        ("Second", "succeeded"),
    ]


def test_a_suspicious_success_exits_with_3(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Nothing())

    ended = run_task("Nightly batches")

    run = Run.objects.get()
    assert (ended.code, ended.line["status"], ended.line["batches"]) == (3, "succeeded", 0)
    assert ended.line["file"] == str(run_file(run))
    assert run.suspicion in ended.message


def test_unknown_name_suggests_the_nearest(task: Task) -> None:
    ended = run_task("nightly batch")

    assert (ended.code, ended.line) == (2, {})
    assert ended.message == "There is no task 'nightly batch'. Did you mean Nightly batches?\n"


def disable(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(enabled=False)


def archive(task: Task) -> None:
    task.archive()


def spoil_conditions(task: Task) -> None:
    task.conditions.create(position=0, field="id", comparison="Contains", value="1")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (disable, "Nightly batches is disabled. Enable it on its form to run it.\n"),
        (archive, "Nightly batches is archived. Restore it to run it again.\n"),
        (spoil_conditions, "Contains takes text in quotes, but id holds whole numbers."),
    ],
)
def test_a_task_that_cannot_be_run_is_refused(
    task: Task, spoil: Callable[[Task], None], message: str
) -> None:
    spoil(task)

    ended = run_task("Nightly batches")

    assert (ended.code, ended.line) == (2, {})
    assert ended.message.startswith(message)
    assert not Run.objects.exists()


@pytest.mark.parametrize("arguments", [(), ("a", "b"), ("a", "--timeout", "soon")])
def test_unusable_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("run_task", *arguments)
    assert refused.value.returncode == 1  # from a shell, argparse itself exits with 2


def test_a_timeout_leaves_a_workers_run_alone(task: Task) -> None:
    Worker.objects.see("busy", 1)

    ended = run_task("Nightly batches", "--timeout", "1")

    assert (ended.code, ended.line["status"]) == (1, "queued")
    assert Run.objects.get().status == "queued"
    assert "goes on without this command" in ended.message


def test_timeout_cancels_own_run(task: Task, stand_in: StandIn) -> None:
    stand_in.latency = 0.5

    ended = run_task("Nightly batches", "--timeout", "1")

    assert (ended.code, ended.line["status"], ended.line["file"]) == (1, "cancelled", None)


# --- as a process of its own --------------------------------------------------------------------


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`manage.py` with the database and the folder of this test."""
    manage = Path(__file__).parents[2] / "manage.py"
    with subprocess.Popen(
        [sys.executable, str(manage), *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_with_a_worker_the_command_only_waits(task: Task) -> None:
    with started("worker") as worker:
        _wait_until(jobs.any_worker_alive)
        ended = run_task("Nightly batches")

    run = Run.objects.get()
    assert (ended.code, ended.line["status"], ended.line["run"]) == (0, "succeeded", run.pk)
    assert f"-{worker.pid}-" in run.owner


def test_standard_output_holds_the_json_line_alone(task: Task) -> None:
    with started("run_task", "Nightly batches") as process:
        out, _ = process.communicate(timeout=120)

    run = Run.objects.get()
    assert (process.returncode, out.count("\n")) == (0, 1)
    assert json.loads(out)["sha256"] == run.file_sha256


def test_a_missing_name_exits_with_2(task: Task) -> None:
    with started("run_task") as process:
        out, message = process.communicate(timeout=120)

    assert (process.returncode, out) == (2, "")
    assert "NAME" in message


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_run_properly(
    task: Task, stand_in: StandIn, settings: Settings, sent: signal.Signals
) -> None:
    stand_in.latency = 0.5
    with started("run_task", "Nightly batches") as process:
        _wait_until(lambda: len(stand_in.requests) > 0)
        process.send_signal(sent)
        out, message = process.communicate(timeout=120)

    run = Run.objects.get()
    assert (process.returncode, run.status) == (1, "cancelled"), (out, message)
    assert json.loads(out)["status"] == "cancelled"
    assert "Traceback" not in message
    assert not list(Path(settings.CWEXPORT_DATA_DIR).glob("runs/*"))


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_cron_closes_an_open_folder(tmp_path: Path) -> None:
    install(tmp_path)
    tmp_path.chmod(0o755)

    done = manage("run_task", "Nightly", folder=tmp_path)

    assert "was open to other users (0755)" in done.stderr
    assert tmp_path.stat().st_mode & 0o077 == 0
