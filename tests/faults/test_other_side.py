"""Errors, throttling and redirects: a safe failure with a plain reason, or a full success."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from exports.demo.account import Account
from exports.demo.answers import ANY, COUNT, LIST
from exports.demo.faults import (
    LOGIN_PAGE,
    Body,
    Header,
    Redirect,
    Status,
)
from exports.demo.server import StandIn
from exports.models import Run, Task
from tests.conftest import make_connection, run_now, save_task
from tests.demo.certificates import Certificates
from tests.pipeline.outcomes import (
    aftermath,
    exported_ids,
    is_page,
    log_of,
    next_run_is_complete,
    safe_failure,
)

pytestmark = pytest.mark.django_db(transaction=True)

TRIES = 5


def http_date(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def nothing_was_asked_twice(stand_in: StandIn) -> bool:
    """The first requests of a run are sent in parallel, but each only once."""
    urls = [request.url for request in stand_in.requests]
    return 0 < len(urls) == len(set(urls)) <= 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 410, 418])
def test_refused_request_is_sent_once_and_explained(
    task: Task, stand_in: StandIn, code: int
) -> None:
    stand_in.faults.add(Status(code, b'{"code":"x","message":"You <b>shall</b> not pass."}'))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert nothing_was_asked_twice(stand_in)
    assert f"ConnectWise answered {code}" in run.error
    assert "You <b>shall</b> not pass." in run.error
    assert next_run_is_complete(task, stand_in)


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_an_error_during_a_run_leaves_nothing(task: Task, stand_in: StandIn, code: int) -> None:
    fault = stand_in.faults.add(Status(code, on=(LIST,), when=is_page, after=2))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert fault.struck_count == 1
    assert next_run_is_complete(task, stand_in)


def test_wrong_keys_are_reported_without_repeating_them(stand_in: StandIn, db: None) -> None:
    connection = make_connection(stand_in)
    connection.write_private_key('pK-"é&<9\\z')
    connection.save()

    run = run_now(save_task(connection))

    assert aftermath(run) == safe_failure(run)
    assert "private key" in run.error
    assert "pK-" not in run.error + log_of(run)


@pytest.mark.parametrize("encode", [str, lambda key: key.encode().hex()])
def test_echoed_private_key_is_not_shown(
    task: Task, stand_in: StandIn, encode: Callable[[str], str]
) -> None:
    key = encode(Account().private_key)
    stand_in.faults.add(Status(500, f'{{"message":"Bad call by {key} today"}}'.encode()))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert key not in run.error + log_of(run) + str(run.retry_reason)
    assert "today" in run.error


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("endpoint", [LIST, COUNT])
def test_what_passes_after_two_tries_is_a_success(
    task: Task, stand_in: StandIn, code: int, endpoint: str
) -> None:
    stand_in.faults.add(Status(code, LOGIN_PAGE, "text/html", on=(endpoint,), after=1, times=2))

    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == stand_in.store.ids
    assert run.retry_count == 2
    assert f"{code}" in log_of(run, "warning")


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_lasting_error_stops_after_five_tries(task: Task, stand_in: StandIn, code: int) -> None:
    fault = stand_in.faults.add(Status(code, on=(LIST,), when=is_page, after=2))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    # The page requested ahead may be in flight as well.
    assert fault.struck_count == TRIES
    assert f"ConnectWise answered {code}" in run.error
    assert "Tried 5 times" in run.error
    assert next_run_is_complete(task, stand_in)


@pytest.mark.parametrize("code", [501, 505, 599])
def test_other_server_errors_are_not_retried(task: Task, stand_in: StandIn, code: int) -> None:
    stand_in.faults.add(Status(code))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert nothing_was_asked_twice(stand_in)


@pytest.mark.parametrize("wish", ["3", "0", "-5", "abc", "9" * 30, "", " 2 ", "a date"])
def test_whatever_retry_after_wishes_the_run_survives_it(
    task: Task, stand_in: StandIn, wish: str
) -> None:
    text = http_date(3) if wish == "a date" else wish
    stand_in.faults.add(Status(429, retry_after=text, on=(LIST,), when=is_page, after=1, times=2))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert run.retry_count == 2


def test_wait_over_five_minutes_fails_at_once(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Status(429, retry_after="301"))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert nothing_was_asked_twice(stand_in)
    assert "301 seconds" in run.error


def test_wait_lasts_as_long_as_asked(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Status(429, retry_after="3", on=(LIST,), times=1))

    run = run_now(task)

    waits = re.findall(r"Trying again in (\d+) s", log_of(run, "warning"))
    assert [3 <= int(seconds) <= 5 for seconds in waits] == [True]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(task: Task, stand_in: StandIn, code: int) -> None:
    with StandIn() as second:
        stand_in.faults.add(Redirect(f"{second.url}/v4_6_release/apis/3.0/", code, after=2))
        run = run_now(task)

        assert aftermath(run) == safe_failure(run)
        assert list(second.requests) == []
        assert second.url in run.error
        assert next_run_is_complete(task, stand_in)


def test_no_cookie_is_kept(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Header("Set-Cookie", "session=1; Path=/", on=ANY))

    run = run_now(task)

    assert run.status == "succeeded"
    assert [
        asked.headers.get("Cookie") for asked in stand_in.requests if asked.headers.get("Cookie")
    ] == []


def test_unknown_authority_fails_configured_one_passes(
    tls_stand_in: StandIn, certificates: Certificates, settings: Settings, db: None
) -> None:
    task = save_task(make_connection(tls_stand_in))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "certificate" in run.error
    assert list(tls_stand_in.requests) == []
    settings.CWEXPORT_CA_FILE = str(certificates.authority)
    assert next_run_is_complete(task, tls_stand_in)


def test_unlisted_private_site_is_never_called(
    task: Task, stand_in: StandIn, settings: Settings
) -> None:
    settings.CWEXPORT_ALLOWED_NETWORKS = []

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert list(stand_in.requests) == []


@pytest.mark.parametrize(
    "date", ["Sun, 01 Jan 0100 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "tomorrow"]
)
def test_absurd_date_is_no_date(task: Task, stand_in: StandIn, date: str) -> None:
    stand_in.faults.add(Header("Date", date, on=ANY))

    run = run_now(task)

    assert run.status == Run.Status.SUCCEEDED
    assert "clock" in log_of(run)
    assert run.date_modified_after is None or run.date_modified_after.year > 2000


@pytest.mark.parametrize("count", [10**18 - 1, 10**30, -1])
def test_absurd_count_ends_in_a_sentence(
    task: Task, stand_in: StandIn, admin_client: Client, count: int
) -> None:
    stand_in.faults.add(Body(f'{{"count": {count}}}'.encode(), on=(COUNT,)))

    run = run_now(task)

    assert "inside this program" not in run.error + log_of(run)
    assert run.status == Run.Status.FAILED
    for name in ("run-detail", "run-progress"):
        assert admin_client.get(reverse(name, args=[run.pk])).status_code == 200
