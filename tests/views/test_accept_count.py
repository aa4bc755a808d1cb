"""Accepting a suspicious count on the run's page, with a reason that is kept."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exports.models import Run, Task
from exports.models.codes import SuspicionCode
from tests.screen_fixtures import succeed
from tests.views.test_run_results import page_of

MakeTask = Callable[..., Task]


def doubtful(task: Task, code: str = SuspicionCode.FEWER_SHOWN) -> Run:
    baseline = succeed(task, unfiltered_count=1000, visible_count=1000, visible_up_to=1000)
    return succeed(
        task,
        suspicion="It shows fewer.",
        suspicion_code=code,
        unfiltered_count=400,
        baseline=baseline,
        baseline_count=1000,
        remaining_count=400,
    )


@pytest.mark.rule("W10")
def test_accepted_count_is_shown_with_name(
    signed_in: Client, user: User, make_task: MakeTask
) -> None:
    run = doubtful(make_task())
    asked = page_of(signed_in, run)

    answer = signed_in.post(f"/runs/{run.pk}/accept-count/", {"reason": "Deleted in 2019"})

    assert answer.status_code == 302
    assert "Of 1,000 batches seen before, ConnectWise showed 400." in asked
    page = page_of(signed_in, run)
    assert "By Admin1, " in page
    assert "Deleted in 2019" in page
    assert "Of 1,000 batches seen before, ConnectWise showed 400." in page
    assert "Accept this count" not in page
    run.refresh_from_db()
    assert (run.count_accepted_by, run.is_suspicious, run.is_doubtful) == (user, True, False)


def test_reason_is_needed(signed_in: Client, make_task: MakeTask) -> None:
    run = doubtful(make_task())

    page = signed_in.post(f"/runs/{run.pk}/accept-count/", {"reason": " "}).content.decode()

    assert "Say why the count is right" in page
    run.refresh_from_db()
    assert run.count_accepted_at is None


def test_second_reason_changes_nothing(signed_in: Client, make_task: MakeTask) -> None:
    run = doubtful(make_task())
    for reason in ("First", "Second"):
        signed_in.post(f"/runs/{run.pk}/accept-count/", {"reason": reason})

    run.refresh_from_db()
    assert run.count_accepted_reason == "First"


def test_date_ahead_cannot_be_accepted(signed_in: Client, make_task: MakeTask) -> None:
    run = doubtful(make_task(), SuspicionCode.DATE_AHEAD)

    signed_in.post(f"/runs/{run.pk}/accept-count/", {"reason": "It is right"})

    assert "Accept this count" not in page_of(signed_in, run)
    run.refresh_from_db()
    assert run.count_accepted_at is None


def test_accepted_run_leaves_home_alone(signed_in: Client, make_task: MakeTask) -> None:
    run = doubtful(make_task())
    before = signed_in.get("/").content.decode()
    signed_in.post(f"/runs/{run.pk}/accept-count/", {"reason": "Deleted"})

    wrong = f'id="wrong-{run.pk}"'
    assert wrong in before
    assert wrong not in signed_in.get("/").content.decode()


def test_first_count_unmet_is_not_complete(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task(), expected_count=1000, fetched_count=550, proven_count=550)

    page = page_of(signed_in, run)

    assert "Fewer than first counted" in page
    assert "Every batch that ConnectWise counts" not in page
