"""A large installation in an empty database: a task with a long ledger, and very many others."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.db.models import Max
from django.utils import timezone

from exports.demo.account import Account
from exports.models import Connection, DateChange, Run, Task
from exports.models.tasks import EARLIEST
from tests.benchmarks.many_runs import TASKS, in_portions, seed

# Of its runs a fifth belongs to tasks that hardly ever ran; the others to 20 that run all day.
_SHARE_OF_OTHERS: Final = 5
_AGO: Final = timedelta(days=7)


def seed_large(run_count: int, entry_count: int, task_count: int) -> None:
    """So many runs, ledger rows (all of the first task) and tasks, these 20 at the least."""
    others = task_count - TASKS
    run_count_of_others = run_count // _SHARE_OF_OTHERS if others else 0
    seed(run_count - run_count_of_others, entry_count)
    connection = Connection.objects.get()
    in_portions(Task, _tasks(connection, others))
    tasks = list(Task.objects.order_by("id")[TASKS:])
    in_portions(DateChange, _typed_dates(tasks))
    in_portions(Run, _failures(tasks, run_count_of_others))


def connect_first_task(site: str, batch_count: int, highest_id: int) -> None:
    """Let the first task read a stand-in, as if it had done so all the time."""
    account = Account()
    connection = Connection(
        name="Stand-in",
        site=site,
        company=account.company,
        public_key=account.public_key,
        client_id=account.client_id,
    )
    connection.write_private_key(account.private_key)
    connection.save()
    task = Task.objects.earliest("id")
    moved = task.date_changes.aggregate(last=Max("date_after"))["last"]
    Task.objects.filter(pk=task.pk).update(connection=connection, date_modified=moved)
    task.runs.update(connection=connection, site=site, company=account.company)
    task.run_summaries.update(site=site, company=account.company, highest_id=highest_id)
    task.runs.succeeded().update(unfiltered_count=batch_count, highest_id=highest_id)


def _tasks(connection: Connection, count: int) -> Iterator[Task]:
    for number in range(count):
        name = f"Branch {number}"
        file = f"branch-{number}.xml"
        yield Task(name=name, connection=connection, output_file=file, output_file_key=file)


def _typed_dates(tasks: list[Task]) -> Iterator[DateChange]:
    for task in tasks:
        for field in DateChange.DateField.values:
            origin = DateChange.Origin.TYPED
            yield DateChange(task=task, field=field, origin=origin, date_after=EARLIEST)


def _failures(tasks: list[Task], count: int) -> Iterator[Run]:
    """Each a run that could not reach its host: the tasks' dates stay as they were typed."""
    begun = timezone.now() - _AGO
    for number in range(count):
        task = tasks[number % len(tasks)]
        yield Run(
            task=task,
            task_name=task.name,
            status="failed",
            error="The host did not answer.",
            queued_at=begun,
            started_at=begun,
            finished_at=begun,
            **_asked(task),
        )


def _asked(task: Task) -> dict[str, Any]:
    return {
        "connection_id": task.connection_id,
        "trigger": "command",
        "site": "https://na.myconnectwise.net",
        "company": "acme",
        "public_key": "AbCdEf",
        "export": task.export,
        "date_created_before": task.date_created,
        "date_modified_before": task.date_modified,
        "page_size": task.page_size,
        "output_file": task.output_file,
    }
