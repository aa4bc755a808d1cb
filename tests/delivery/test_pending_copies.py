"""Copies left pending by earlier versions are still made after the update."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

from exports.delivery.sending import send_due
from exports.models import Run
from tests import audit_triggers
from tests.conftest import MakeTask, run_now
from tests.delivery.deliveries import delivery_of, make_due
from tests.run_files import run_file

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("exports", "0004_words")]


def migrate(targets: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(database)
    executor.migrate(targets)


@pytest.fixture
def newest_schema() -> Iterator[None]:
    yield
    migrate(MigrationExecutor(database).loader.graph.leaf_nodes())
    # The migrations made the audit log's triggers anew.
    audit_triggers.permit_emptying()


@pytest.mark.usefixtures("newest_schema")
def test_update_keeps_pending_copies(make_task: MakeTask, data_folder: Path) -> None:
    task = make_task()
    done, pending = run_now(task), run_now(make_task(name="B", output_file="b.xml"))
    newest = MigrationExecutor(database).loader.graph.leaf_nodes()
    make_due(pending)
    migrate(BEFORE)
    (data_folder / "exports" / "b.xml").unlink()
    (data_folder / "exports" / "batches.xml").unlink()
    migrate(newest)
    send_due()

    assert (data_folder / "exports" / "b.xml").read_bytes() == run_file(
        Run.objects.get(pk=pending.pk)
    ).read_bytes()
    assert not (data_folder / "exports" / "batches.xml").exists()
    assert delivery_of(done).state == "delivered"
