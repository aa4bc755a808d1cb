"""Broken or wrong answers: asked for again, then a failure, never taken for the last page."""

from collections.abc import Callable
from threading import Timer

import pytest

from exports.connectwise.http.client import RetryPolicy
from exports.demo import wires
from exports.demo.answers import BATCHES, COUNT, LIST, Request
from exports.demo.faults import (
    LOGIN_PAGE,
    Body,
    GzipBomb,
    Recode,
    Sending,
)
from exports.demo.rows import Row
from exports.demo.server import StandIn
from exports.models import Task
from exports.pipeline import runner
from tests.conftest import MakeTask, run_now
from tests.pipeline.outcomes import (
    aftermath,
    exported_ids,
    is_page,
    is_proof,
    next_run_is_complete,
    safe_failure,
)

pytestmark = pytest.mark.django_db(transaction=True)

TRIES = 5
# After the request for the highest id, two counts and two pages.
MIDDLE = 5
DEEP = b'[{"id":1,"x":' + b"[" * 5000 + b"]" * 5000 + b"}]"
NO_ANSWERS = {
    "a login page": LOGIN_PAGE,
    "null": b"null",
    "an empty object": b"{}",
    "an error object": b'{"code":"Security","message":"SSL is required.","errors":null}',
    "nothing": b"",
    "blanks": b"  \n",
    "a number": b"7",
    "NaN": b'[{"id":1,"rate":NaN}]',
    "infinity": b'[{"id":1,"rate":-Infinity}]',
    "5,000 levels": DEEP,
    "no id": b'[{"batchIdentifier":"x"}]',
    "a text as id": b'[{"id":"12"}]',
    "a decimal id": b'[{"id":12.0}]',
    "a flag as id": b'[{"id":true}]',
    "null as id": b'[{"id":null}]',
    "an id beyond 64 bits": b'[{"id":9223372036854775808}]',
    "no records": b"[1, 2]",
    "a list of null": b"[null]",
    "cut JSON": b'[{"id":1},{"id"',
    "bytes that are no text": b"\xff\xfe\xfa",
}


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize(
    "sender", [wires.reset, wires.cut_body, wires.cut_chunk, wires.never_answer]
)
@pytest.mark.parametrize("endpoint", [LIST, COUNT])
def test_a_broken_answer_is_asked_again(
    task: Task, stand_in: StandIn, sender: wires.Sender, endpoint: str
) -> None:
    stand_in.faults.add(Sending(sender, on=(endpoint,), after=1, times=1))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert run.retry_count == 1


@pytest.mark.parametrize("sender", [wires.reset, wires.cut_body, wires.cut_chunk])
def test_answers_that_stay_broken_fail_safely(
    task: Task, stand_in: StandIn, sender: wires.Sender
) -> None:
    fault = stand_in.faults.add(Sending(sender, on=(LIST,), when=is_page, after=2))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert fault.struck_count == TRIES
    assert "127.0.0.1" in run.error
    assert next_run_is_complete(task, stand_in)


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("sender", [wires.drip_body(0.05), wires.drip_headers(0.05)])
def test_a_dripping_server_cannot_stretch_the_deadline(
    task: Task, stand_in: StandIn, sender: wires.Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY", RetryPolicy(tries=1))
    stand_in.faults.add(Sending(sender, on=(LIST,), when=is_page, after=1))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "3 seconds" in run.error
    assert next_run_is_complete(task, stand_in)


def test_a_refused_connection_fails_safely(task: Task, stand_in: StandIn) -> None:
    stand_in.stop()

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "refused the connection" in run.error
    stand_in.start()
    assert next_run_is_complete(task, stand_in)


def test_restarting_server_costs_only_tries(
    task: Task, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY", RetryPolicy(min_wait=0.3, max_wait=0.5))

    back = Timer(0.4, stand_in.start)

    def stop(asked: Request) -> None:
        if len(stand_in.requests) == MIDDLE:
            stand_in.stop()
            back.start()

    stand_in.on_request(stop)

    run = run_now(task)

    back.join()
    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert run.retry_count > 0


@pytest.mark.parametrize("content", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
@pytest.mark.rule("H5")
def test_200_without_batches_never_means_none(
    task: Task, stand_in: StandIn, content: bytes
) -> None:
    fault = stand_in.faults.add(Body(content, on=(LIST,), when=is_page, after=2))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert fault.struck_count == TRIES
    assert run.error_code != "internal.unexpected"
    assert next_run_is_complete(task, stand_in)


@pytest.mark.parametrize("content", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_200_without_an_answer_may_pass(task: Task, stand_in: StandIn, content: bytes) -> None:
    stand_in.faults.add(Body(content, on=(LIST,), after=2, times=2))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)


@pytest.mark.parametrize(
    "content", [b"null", b"{}", b"", LOGIN_PAGE, b'{"count":"x"}', b'{"count":-1}', b"120"]
)
def test_a_count_that_is_none_fails_safely(task: Task, stand_in: StandIn, content: bytes) -> None:
    stand_in.faults.add(Body(content, on=(COUNT,), when=is_proof))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert run.error_code != "internal.unexpected"
    assert next_run_is_complete(task, stand_in)


@pytest.mark.parametrize("endpoint", BATCHES)
def test_a_small_answer_cannot_become_a_large_one(
    task: Task, stand_in: StandIn, endpoint: str
) -> None:
    stand_in.faults.add(GzipBomb(64, on=(endpoint,), after=1))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "16,000,000 bytes" in run.error
    assert next_run_is_complete(task, stand_in)


@pytest.mark.parametrize(
    "recode",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.decode().encode("utf-16"),
        lambda body: body.decode().encode("utf-32"),
    ],
    ids=["BOM", "UTF-16", "UTF-32"],
)
def test_json_in_other_encodings_is_read(
    task: Task, stand_in: StandIn, recode: Callable[[bytes], bytes]
) -> None:
    stand_in.faults.add(Recode(recode))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)


@pytest.mark.parametrize(
    "record",
    [
        b'{"id":900,"exportInvoicesFlag":"maybe"}',
        b'{"id":900,"exportInvoicesFlag":1}',
        b'{"id":900,"batchIdentifier":{"a":1}}',
        b'{"id":900,"_info":"none"}',
        b'{"id":900,"_info":{"lastUpdated":[]}}',
    ],
)
def test_wrong_field_type_fails_and_names_batch(
    task: Task, stand_in: StandIn, record: bytes
) -> None:
    stand_in.store.put_row(Row(900, record))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "Batch 900" in run.error
    stand_in.store.delete(900)
    assert next_run_is_complete(task, stand_in)


@pytest.mark.parametrize(
    "record",
    [
        rb'{"id":900,"_info":{"lastUpdated":"\ud800"}}',
        rb'{"id":900,"_info":{"lastUpdated":"\u0000"}}',
        rb'{"id":900,"batchIdentifier":"a\udfffb\u0000"}',
        rb'{"id":900,"\ud800":"x","a b":"\u0001","":{"\u0000":"\u0002"}}',
        b'{"id":900,"batchIdentifier":' + b"7" * 5000 + b"}",
        b'{"id":900,"_info":{"lastUpdated":"' + b"2" * 5000 + b'"}}',
    ],
    ids=["surrogate date", "NUL date", "surrogate text", "names", "5,000 digits", "long date"],
)
@pytest.mark.rule("H5")
def test_odd_records_do_not_stop_the_export(
    make_task: MakeTask, stand_in: StandIn, record: bytes
) -> None:
    stand_in.store.put_row(Row(900, record))

    run = run_now(make_task(include_extra_fields=True))

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == stand_in.store.ids
