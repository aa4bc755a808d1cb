"""A disk that fails at any single call: EIO from fsync, EXDEV from rename (rules O2, O3, O4).

Whichever call fails, the run is a safe failure, or, when only the delivery to the export folder
failed, a success that is delivered later; and the next run is complete.
"""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from exports.demo.server import StandIn
from exports.models import Run, Task
from exports.workers import recovery
from tests.conftest import run_now
from tests.delivery.deliveries import retry_now
from tests.pipeline.outcomes import aftermath, exported_versions, safe_failure, versions_in

pytestmark = pytest.mark.django_db(transaction=True)


class FailingCall:
    """Wraps a system call; only the call with this number (from 1) fails."""

    def __init__(self, call: Callable[..., object], code: int) -> None:
        self.count = 0
        self.failing = 0
        self._call = call
        self._code = code

    def __call__(self, *given: object, **more: object) -> object:
        self.count += 1
        if self.count == self.failing:
            raise OSError(self._code, os.strerror(self._code))
        return self._call(*given, **more)


@pytest.fixture(params=["fsync", "rename", "replace"])
def call(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FailingCall:
    """Path.rename and Path.replace use these, too."""
    name = request.param
    made = FailingCall(getattr(os, name), errno.EIO if name == "fsync" else errno.EXDEV)
    monkeypatch.setattr(os, name, made)
    return made


@pytest.fixture
def first_run(task: Task) -> Run:
    """Creates the folders, which later runs find."""
    return run_now(task)


@pytest.fixture
def outcomes(task: Task, first_run: Run, call: FailingCall, stand_in: StandIn) -> Iterator[int]:
    """How many calls a run without a fault makes."""
    call.count = 0
    run_now(task)
    yield call.count
    call.failing = 0
    assert exported_versions(run_now(task)) == versions_in(stand_in)


def whole_but_unowned() -> list[str]:
    """Final names in the run folder that belong to no successful run."""
    runs = Path(settings.CWEXPORT_DATA_DIR) / "runs"
    owned = {Path(run.file_path).stem for run in Run.objects.filter(status="succeeded")}
    return sorted(
        path.name for path in runs.iterdir() if path.suffix != ".part" and path.stem not in owned
    )


@pytest.mark.rule("O3")
def test_any_failing_call_is_a_safe_failure(task: Task, call: FailingCall, outcomes: int) -> None:
    statuses = []
    for number in range(1, outcomes + 1):
        call.count, call.failing = 0, number
        run = run_now(task)
        call.failing = 0
        left = whole_but_unowned()
        recovery.recover(is_thorough=True)
        run.refresh_from_db()
        statuses.append(run.status)
        assert left == [], f"call {number} left {left} under a final name"
        if run.status == "failed":
            assert aftermath(run) == safe_failure(run)
            assert os.strerror(errno.EIO) in run.error or os.strerror(errno.EXDEV) in run.error
        else:
            retry_now()
            assert (run.status, run.deliveries.get().state) == ("succeeded", "delivered")

    assert outcomes > 0
    assert statuses == sorted(statuses), "what fails after the success must not fail the run"
