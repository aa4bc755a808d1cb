"""This version goes on beside a database that a newer one has migrated, until it is replaced.

What a newer version may add is what CONTRIBUTING.md permits: columns that the database fills by
itself, and tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import connection as database

from exports.demo.server import StandIn
from exports.models import Delivery, Run, Task
from tests.pipeline.outcomes import exported_versions, versions_in
from tests.processes import worker_process
from tests.stress.kill_points import wait_until
from tests.workers.processes import at_page, fresh, queue

pytestmark = pytest.mark.django_db(transaction=True)

COLUMN = "of_a_newer_version"


def migrate() -> None:
    """What the newer version's `migrate` does."""
    with database.cursor() as cursor:
        for table in tables():
            cursor.execute(
                f"ALTER TABLE {table} ADD COLUMN {COLUMN} varchar(9) NOT NULL DEFAULT 'x'"
            )
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('exports', '9999_newer', CURRENT_TIMESTAMP)"
        )


@contextmanager
def undone() -> Iterator[None]:
    try:
        yield
    finally:
        with database.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_newer'")
            for table in tables():
                cursor.execute(f"ALTER TABLE {table} DROP COLUMN {COLUMN}")


def tables() -> list[str]:
    return sorted(model._meta.db_table for model in apps.get_app_config("exports").get_models())


@pytest.mark.rule("B5", "Q1")
def test_old_worker_finishes_and_takes_more(task: Task, stand_in: StandIn) -> None:
    run = queue(task)
    at_page(stand_in, 3, migrate)
    with undone(), worker_process():
        wait_until(lambda: not fresh(run).is_active, seconds=120, every=0.1)
        later = queue(task)
        wait_until(lambda: not fresh(later).is_active, seconds=120, every=0.1)
        wait_until(lambda: not Delivery.objects.open().exists(), seconds=120, every=0.1)

    for one in (run, later):
        assert (fresh(one).status, fresh(one).error) == (Run.Status.SUCCEEDED, "")
        assert exported_versions(fresh(one)) == versions_in(stand_in)
