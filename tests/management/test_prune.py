"""`manage.py prune` names all that it deletes or would delete, and gives space back."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.housekeeping.free_space import database_size, give_back
from exports.housekeeping.pruning import Pace
from exports.models import AuditAction, AuditEntry, HousekeepingRound, Run, RunLogEntry, Task
from exports.models.audit import years_after
from tests.conftest import run_now
from tests.housekeeping.pruning import make_old
from tests.management.installation import manage
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)


def prune(*arguments: str) -> list[str]:
    output = StringIO()
    call_command("prune", *arguments, stdout=output)
    return output.getvalue().splitlines()


@pytest.fixture
def old(task: Task) -> Run:
    """An old run, an older file that is still the newest, and a young failure."""
    old, newest = run_now(task), run_now(task)
    make_old(old, newest)
    return old


@pytest.mark.rule("G1")
def test_dry_run_names_everything(old: Run) -> None:
    lines = prune("--dry-run")

    assert lines[0] == "History is kept for 90 days."
    assert lines[1].startswith(f"Would delete: {old}, Succeeded ")
    assert lines[1].endswith(f"SHA-256 {old.file_sha256}")
    assert lines[2] == (
        f"Kept: Run {old.pk + 1} of Nightly batches (the newest file with batches of its task)"
    )
    assert lines[-1].startswith("Nothing was deleted. It would be 1 runs with ")
    assert run_file(old).exists()
    assert not HousekeepingRound.objects.exists()


@pytest.mark.rule("L2")
def test_dry_run_names_audit_entries(old: Run, admin_client: Client) -> None:
    entry = AuditEntry(action=AuditAction.TASK_CREATED)
    entry.recorded_at = timezone.now() - timedelta(days=11 * 366)
    entry.kept_until = years_after(entry.recorded_at.date(), 10)
    entry.save()

    page = admin_client.get(reverse("housekeeping")).content.decode()
    assert "Would delete: 1 audit entries" in prune("--dry-run")
    assert "It also deletes 1 entry of the audit log" in page


@pytest.mark.rule("G1")
def test_prune_names_what_it_deleted(old: Run) -> None:
    lines = prune()

    assert next(line for line in lines if line.startswith("Deleted: Run")).startswith(
        f"Deleted: {old}, Succeeded "
    )
    assert lines[-1].startswith("Deleted: 1 runs, 1 files (")
    assert not run_file(old).exists()
    assert HousekeepingRound.objects.get().trigger == "command"


def test_prune_waits_for_a_running_round(old: Run) -> None:
    row = HousekeepingRound.objects.ask("daily", timezone.now())
    assert row is not None
    assert row.take("worker-1", timezone.now())

    with pytest.raises(CommandError, match="Housekeeping is running already"):
        prune()
    assert run_file(old).exists()


@pytest.mark.rule("G3")
def test_new_database_shrinks_in_steps(tmp_path: Path) -> None:
    migrated = manage("migrate", "-v0", folder=tmp_path)
    assert (migrated.returncode, migrated.stderr) == (0, "")
    file = tmp_path / "cwexport.sqlite3"

    with closing(sqlite3.connect(file)) as opened:
        assert opened.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert opened.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.rule("G3")
def test_database_gives_space_back(task: Task) -> None:
    run = run_now(task)
    text = "x" * 900
    for _ in range(12):
        RunLogEntry.objects.bulk_create(
            RunLogEntry(run=run, level="info", message=text) for _ in range(1_000)
        )
    before = database_size()
    RunLogEntry.objects.all().delete()
    free = database_size().free
    steps: list[int] = []

    freed = give_back(Pace(lambda: steps.append(1)))

    if database.vendor == "sqlite":
        assert before.can_shrink
        assert free > 8_000_000
        assert freed > free - 5_000_000
        assert len(steps) >= 1
    assert database_size().used > 0


@pytest.mark.rule("G3")
def test_old_database_is_rewritten_once(tmp_path: Path) -> None:
    file = tmp_path / "cwexport.sqlite3"
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("CREATE TABLE of_an_earlier_version (id integer)")
    assert manage("migrate", "-v0", folder=tmp_path).returncode == 0

    done = manage("prune", "--vacuum", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "The database was rewritten" in done.stdout
    with closing(sqlite3.connect(file)) as opened:
        assert opened.execute("PRAGMA auto_vacuum").fetchone() == (2,)
