"""A database restored from before the newest run, with the files from after it (rules O2, W6)."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from exports.demo.server import StandIn
from exports.models import LedgerEntry, Run, Task
from exports.workers import jobs, recovery
from tests.conftest import MakeTask, run_now
from tests.pipeline.outcomes import exported_versions, unclaimed_files, versions_in

pytestmark = pytest.mark.django_db(transaction=True)


def forget(run: Run, task: Task) -> None:
    """Reset the rows to a backup from before this run; its files stay."""
    with transaction.atomic():
        task.date_changes.filter(run_id=run.pk).delete()
        LedgerEntry.objects.filter(run_id=run.pk).delete()
        Task.objects.filter(pk=task.pk).update(
            date_created=run.date_created_before, date_modified=run.date_modified_before
        )
        run.log_entries.all().delete()
        run.delete()


def test_forgotten_runs_file_is_set_aside(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified")
    run = run_now(task)
    content = (Path(settings.CWEXPORT_DATA_DIR) / run.file_path).read_bytes()
    number, name = run.pk, Path(run.file_path).name
    forget(run, task)
    task.refresh_from_db()

    recovery.recover(is_thorough=True)
    again = run_now(task)

    orphan = Path(settings.CWEXPORT_DATA_DIR) / "orphaned" / name
    assert orphan.read_bytes() == content
    assert exported_versions(again) == versions_in(stand_in)
    assert unclaimed_files() == (f"orphaned/{orphan.stem}.json", f"orphaned/{name}")
    assert not Run.objects.filter(file_path=f"runs/{name}").exists()
    assert number <= again.pk


def test_reused_run_number_keeps_forgotten_file(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified")
    run = run_now(task)
    number, name = run.pk, Path(run.file_path).name
    forget(run, task)
    # Run numbers repeat when the restored database continues from its own newest one.
    again = jobs.queue_run(Task.objects.get(pk=task.pk), Run.Trigger.MANUAL)
    Run.objects.filter(pk=again.pk).update(id=number)
    jobs.execute_here(number, 1)
    recovery.recover(is_thorough=True)
    done = Run.objects.get(pk=number)

    assert (done.status, done.error) == ("succeeded", "")
    assert Path(done.file_path).name != name
    assert exported_versions(done) == versions_in(stand_in)
    assert (Path(settings.CWEXPORT_DATA_DIR) / "orphaned" / name).is_file()
