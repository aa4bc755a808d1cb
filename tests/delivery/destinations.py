"""Destinations of every kind for tests, tested and used by a task."""

from pathlib import Path
from typing import Any

from exports.delivery.registry import kind_of
from exports.live_checks.destination_check import test_destination
from exports.models import Destination, Run, Task, TaskDestination
from exports.workers import jobs
from tests.run_files import run_file


def make_destination(
    kind: str, address: dict[str, Any], secrets: dict[str, str] | None = None, **fields: Any
) -> Destination:
    """A stored destination; its test has not run yet."""
    row = Destination(name=f"To {kind}", kind=kind, address=address, **fields)
    row.target_key = kind_of(kind).target_key(address)
    row.write_secrets(secrets or {})
    row.save()
    return row


def outcomes(destination: Destination) -> list[str]:
    """What each step of a test comes to."""
    return [step.outcome for step in test_destination(destination)]


def deliver_only_to(destination: Destination, task: Task, template: str = "") -> TaskDestination:
    TaskDestination.objects.filter(task=task).delete()
    return TaskDestination.objects.create(
        task=task, destination=destination, name_template=template
    )


def execute(task: Task) -> Run:
    """A success whose file is not delivered yet."""
    run = jobs.queue_run(task, "manual")
    jobs.execute_here(run.pk, run.attempt)
    run.refresh_from_db()
    return run


def content_of(run: Run) -> bytes:
    return run_file(run).read_bytes()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
