"""A host that stops or is cut off holds nobody up, and itself no run, for longer than its lease."""

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection as database
from django.db import transaction

from exports.models import Run, Task
from exports.pipeline import lease
from exports.pipeline.lease import Lease, StopReason
from tests.processes import ROOT, environment
from tests.stress.kill_points import wait_until
from tests.workers.processes import fresh, queue

pytestmark = pytest.mark.django_db(transaction=True)

# Changes the run and stops before the commit, as a machine does that is paused or cut off.
STOPPING = """
import os, signal, django
django.setup()
from django.db import transaction
from exports.models import Run
with transaction.atomic():
    Run.objects.filter(pk={run}).update(owner="a stopped host")
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.rule("Q3", "R3")
def test_stopped_host_gives_its_locks_back(task: Task) -> None:
    run = queue(task)
    host = subprocess.Popen(
        [sys.executable, "-c", STOPPING.format(run=run.pk)],
        cwd=ROOT,
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    try:
        _pid, status = os.waitpid(host.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        with database.cursor() as cursor:
            # Without an end of its session this would wait for ever.
            cursor.execute("SET statement_timeout = '600s'")
        assert Run.objects.filter(pk=run.pk).update(owner="the other host") == 1
    finally:
        host.send_signal(signal.SIGCONT)
        host.wait()

    assert host.returncode != 0
    assert fresh(run).owner == "the other host"


@pytest.mark.rule("Q3", "R3")
def test_lease_ends_while_database_is_silent(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "GIVE_UP_AFTER", 3.0)
    run = queue(task)
    assert run.claim("a host that is cut off")
    with transaction.atomic(), database.cursor() as cursor:
        # Whoever renews the lease waits for an answer until the end of the block.
        cursor.execute("LOCK TABLE exports_run IN ACCESS EXCLUSIVE MODE")
        held = Lease(run, run.owner)
        held.__enter__()
        wait_until(held.should_stop, seconds=60)

    assert held.stop_reason() is StopReason.LOST
    held.__exit__(None, None, None)
