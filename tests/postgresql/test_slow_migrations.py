"""A machine that takes its time between two statements of a migration."""

import subprocess
import sys

import pytest

from tests.backups.conftest import place
from tests.backups.places import Place
from tests.management.installation import own_environment
from tests.processes import ROOT

__all__ = ["place"]

pytestmark = pytest.mark.django_db(transaction=True)

# Waits once within a transaction, for longer than the server lets a worker.
SLOWLY = """
import time, django
django.setup()
from django.core.management import call_command
from django.db import connection
pauses = [3]
def execute(do, *arguments):
    answer = do(*arguments)
    if connection.in_atomic_block and pauses:
        time.sleep(pauses.pop())
    return answer
with connection.execute_wrapper(execute):
    call_command("migrate", "contenttypes", verbosity=0, interactive=False)
assert not pauses
with connection.cursor() as cursor:
    cursor.execute("SHOW idle_in_transaction_session_timeout")
    print(cursor.fetchone()[0])
"""


@pytest.mark.rule("B5")
def test_slow_migration_is_not_ended(place: Place) -> None:
    url = f"{place.url}?options=-c%20idle_in_transaction_session_timeout%3D1s"
    done = subprocess.run(
        [sys.executable, "-c", SLOWLY],
        cwd=ROOT,
        env={
            **own_environment(place.folder, DATABASE_URL=url),
            "DJANGO_SETTINGS_MODULE": "cwexport.settings",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    # For whatever the process does next, e.g. `serve`, it is as before.
    assert done.stdout.strip() == "1s"
