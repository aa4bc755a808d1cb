"""`run_task --accept-count`: a person accepts a suspicious count from the command line."""

import os

import pytest

from exports.demo.server import StandIn
from exports.models import Run
from tests.conftest import MakeTask, run_now
from tests.management.test_run_task import run_task

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "Nightly batches"


def test_accepted_count_ends_the_suspicion(make_task: MakeTask, stand_in: StandIn) -> None:
    run_now(make_task(export="modified"))
    for number in stand_in.store.ids[60:]:
        stand_in.store.delete(number)
    first, second = run_task(NAME), run_task(NAME)

    accepted = run_task(NAME, "--accept-count", "Old batches were deleted")

    assert (first.code, second.code, accepted.code) == (3, 3, 0)
    run = Run.objects.get(pk=second.line["run"])
    assert run.count_accepted_reason == "Old batches were deleted"
    assert run.count_accepted_name.endswith("command line")
    assert (run.baseline_count, run.remaining_count) == (120, 60)


@pytest.mark.parametrize("reason", ["", " ", "x" * 201, "It is right"])
def test_nothing_to_accept_runs_nothing(make_task: MakeTask, reason: str) -> None:
    run_now(make_task())

    refused = run_task(NAME, "--accept-count", reason)

    assert (refused.code, Run.objects.count()) == (2, 1)
    assert "accept" in refused.message


def test_user_without_a_name_accepts(
    make_task: MakeTask, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that runs under a number the system does not know."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    run_now(make_task(export="modified"))
    for number in stand_in.store.ids[60:]:
        stand_in.store.delete(number)
    doubtful = run_task(NAME)

    accepted = run_task(NAME, "--accept-count", "Old batches were deleted")

    assert (doubtful.code, accepted.code) == (3, 0)
    assert Run.objects.get(pk=doubtful.line["run"]).count_accepted_name == "command line"
