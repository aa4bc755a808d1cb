"""SIGKILL to the web server while people press *Run now*: a run is queued whole, or not at all.

A real `manage.py serve`: it restarts the killed web server, and its worker keeps working.
"""

import http.client
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Event

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from exports.demo.records import seed_batches
from exports.models import Run, Task
from tests.stress.checker import Verdict
from tests.stress.deadlines import free_port
from tests.stress.kill_points import wait_until
from tests.stress.sample_installation import (
    Process,
    SampleInstallation,
    end,
    recover,
    run_cleanly,
    start_process,
)

# The length of a Django CSRF secret; cookie and header only have to be equal.
_CSRF = "a" * 32
# Committed but not queued for this long: its web server died in between.
_RESCUED_AFTER = timedelta(seconds=3)


@dataclass
class WebTally:
    """`answers`: what the people who pressed were told; `rescued_count`: runs that were committed
    but never put before the workers, which the recovery did; `longest_wait`: seconds from the
    last press until no run was queued or running any more.
    """

    kill_count: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    run_count: int = 0
    rescued_count: int = 0
    longest_wait: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)


def kill_web_servers(
    kill_count: int, random: Random, log: Path, *, client_count: int = 8
) -> WebTally:
    """Kill the web server this often while this many clients post, each for its own four tasks."""
    sample = SampleInstallation(seed_batches(10))
    tasks = [sample.add_task("all", 25) for _ in range(client_count * 4)]
    port, over, tally = free_port(), Event(), WebTally()
    serve = start_process("manage.py", "serve", "--port", str(port), log=log)
    try:
        press = _Presser(port, _signed_in(), over)
        with ThreadPoolExecutor(client_count) as pool:
            try:
                for n in range(client_count):
                    pool.submit(press.go_on, tasks[n::client_count], Random(n))
                _kill_often(kill_count, serve, press, random, tally)
            finally:
                over.set()
        _wait_for_the_end(tally)
    finally:
        end(serve)
    _judge(sample, tasks, press.params, tally)
    sample.close()
    return tally


def _signed_in() -> str:
    """The cookies of a user who may do everything."""
    user, _ = get_user_model().objects.get_or_create(
        username="stress", is_superuser=True, is_staff=True
    )
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={_CSRF}"


class _Presser:
    """Presses *Run now*; `told` grows: (status, where to), status 0 for no answer at all."""

    def __init__(self, port: int, cookie: str, over: Event) -> None:
        self.params: list[tuple[int, str]] = []
        self.answer_count = 0
        self._port = port
        self._headers = {"Cookie": cookie, "X-CSRFToken": _CSRF}
        self._over = over

    def go_on(self, tasks: Sequence[Task], random: Random) -> None:
        """Runs in a thread until it is stopped."""
        while not self._over.wait(random.uniform(0, 0.05)):
            status, location = self._press(random.choice(tasks))
            self.params.append((status, location))
            self.answer_count += status != 0
            if status == 0:
                self._over.wait(0.1)

    def wait_for_an_answer(self) -> None:
        """Raises TimeoutError."""
        before = self.answer_count
        wait_until(lambda: self.answer_count > before, seconds=60)

    def _press(self, task: Task) -> tuple[int, str]:
        asking = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            asking.request("POST", f"/tasks/{task.pk}/run/", headers=self._headers)
            answer = asking.getresponse()
            return answer.status, answer.headers.get("Location", "")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            asking.close()


def _kill_often(
    kill_count: int, serve: Process, press: _Presser, random: Random, tally: WebTally
) -> None:
    """Each time at a random moment after the web server has restarted and answered."""
    rescued: set[int] = set()
    for _ in range(kill_count):
        press.wait_for_an_answer()
        time.sleep(random.uniform(0, 1.0))
        _kill_group(_web_server_of(serve))
        tally.kill_count += 1
        late = Run.objects.queued().filter(
            enqueued_at=None, queued_at__lt=timezone.now() - _RESCUED_AFTER
        )
        rescued.update(late.values_list("pk", flat=True))
    tally.rescued_count = len(rescued)


def _web_server_of(serve: Process) -> int | None:
    """The process that leads the web server's group, from the system's list of children."""
    with suppress(OSError):
        children = Path(f"/proc/{serve.pid}/task/{serve.pid}/children").read_text().split()
        for pid in map(int, children):
            if b"exports.workers.web_server" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return None


def _kill_group(pid: int | None) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _wait_for_the_end(tally: WebTally) -> None:
    began = time.monotonic()
    with suppress(TimeoutError):
        wait_until(lambda: not Run.objects.active().exists(), seconds=180)
    tally.longest_wait = time.monotonic() - began


def _judge(
    sample: SampleInstallation,
    tasks: Sequence[Task],
    params: Sequence[tuple[int, str]],
    tally: WebTally,
) -> None:
    runs = {run.pk: run for run in Run.objects.filter(task__in=tasks)}
    tally.run_count = len(runs)
    for status, location in params:
        found = re.fullmatch(r"/runs/(\d+)/", location)
        tally.answers["no answer" if status == 0 else f"answered {status}"] += 1
        if status not in (0, 302) or (status == 302 and not found):
            tally.verdict.find("broken", f"Run now was answered with {status} {location}")
        elif found and int(found[1]) not in runs:
            tally.verdict.find("lost", f"run {found[1]} was shown to somebody and is not there")
    for run in runs.values():
        if run.is_active:
            tally.verdict.find("broken", f"{run} is {run.status} for ever")
        elif run.status != "succeeded":
            tally.verdict.find("lost", f"{run} {run.status}: {run.error}")
    for task in tasks:
        if not task.runs.active().exists():
            recover(run_cleanly(task))
    tally.verdict.add(sample.judge_all())
