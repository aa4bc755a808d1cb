"""A change of state is one event with one message per channel, whoever records it (N2 to N4)."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from exports.demo.server import StandIn
from exports.models import Channel, Connection, Event, Message, Run, Task, Workflow, record_event
from exports.models.codes import EventCode
from exports.models.events import TURNS
from tests.conftest import MakeTask, run_now

pytestmark = pytest.mark.django_db


def make_channel(*codes: str, **fields: object) -> Channel:
    """A channel that is told about these events, by default about all."""
    channel = Channel.objects.create(**{"name": "Mail", "kind": "email", **fields})
    channel.subscribe(list(codes or EventCode.values))
    return channel


def codes() -> list[str]:
    return list(Event.objects.order_by("id").values_list("code", flat=True))


def test_every_code_but_report_has_a_turn() -> None:
    assert set(TURNS) == set(EventCode) - {EventCode.REPORT}
    topics = {turn.topic for turn in TURNS.values()}
    assert topics == {turn.topic for turn in TURNS.values() if turn.is_good}


@pytest.mark.rule("N3")
def test_thirty_failures_and_success_make_two(task: Task) -> None:
    make_channel()

    for _number in range(30):
        record_event(EventCode.FAILED, task=task, reason="No answer.")
    record_event(EventCode.RECOVERED, task=task)
    record_event(EventCode.RECOVERED, task=task)

    assert codes() == ["failed", "recovered"]
    recovered = Event.objects.get(code="recovered")
    assert (recovered.state_before, recovered.before_count) == ("failed", 30)
    assert [message.event.code for message in Message.objects.order_by("id")] == codes()


@pytest.mark.rule("N3")
def test_first_success_tells_nobody(task: Task) -> None:
    make_channel()

    record_event(EventCode.RECOVERED, task=task)

    assert codes() == []


def test_tasks_have_states_of_their_own(make_task: MakeTask) -> None:
    one, other = make_task(), make_task(name="Other", output_file="other.xml")

    record_event(EventCode.FAILED, task=one)
    record_event(EventCode.FAILED, task=other)
    record_event(EventCode.NO_SUCCESS, task=one)

    assert codes() == ["failed", "failed", "no_success"]


@pytest.mark.rule("N2")
def test_channel_hears_of_subscribed_events_only(make_task: MakeTask) -> None:
    one, other = make_task(), make_task(name="Other", output_file="other.xml")
    chosen = make_channel("failed", "no_worker_alive", name="Chosen", is_for_all=False)
    chosen.tasks.add(one)
    make_channel("recovered", name="Good news")
    make_channel("failed", name="Off", is_enabled=False)

    record_event(EventCode.FAILED, task=other)
    record_event(EventCode.FAILED, task=one)
    record_event(EventCode.RECOVERED, task=other)
    record_event(EventCode.NO_WORKER_ALIVE)

    told = [(str(row.channel), row.event.code, row.event.task) for row in _messages()]
    assert told == [
        ("Chosen", "failed", one),
        ("Good news", "recovered", other),
        ("Chosen", "no_worker_alive", None),
    ]


@pytest.mark.rule("N2")
def test_chosen_task_stands_for_its_workflows(make_task: MakeTask) -> None:
    one, other = make_task(), make_task(name="Other", output_file="other.xml")
    month_end, year_end = (Workflow.objects.create(name=name) for name in ("Month", "Year"))
    month_end.replace_steps([other, one, one])
    year_end.replace_steps([other])
    make_channel(is_for_all=False).tasks.add(one)

    record_event(EventCode.WORKFLOW_FAILED, workflow=year_end)
    record_event(EventCode.WORKFLOW_FAILED, workflow=month_end)

    assert [row.event.subject_name for row in _messages()] == ["Month"]


@pytest.mark.rule("N4")
def test_event_goes_with_its_transaction(task: Task) -> None:
    make_channel()

    with transaction.atomic():
        record_event(EventCode.FAILED, task=task)
        transaction.set_rollback(True)

    assert codes() == []
    record_event(EventCode.FAILED, task=task)
    assert Message.objects.count() == 1


@pytest.mark.rule("N3")
def test_runs_record_failure_suspicion_and_recovery(task: Task, stand_in: StandIn) -> None:
    make_channel()
    private_key = task.connection.read_private_key()

    run_now(task)
    task.connection.write_private_key("wrong")
    task.connection.save(update_fields=["private_key_token"])
    failed = run_now(task)
    run_now(task)
    task.connection.write_private_key(private_key)
    task.connection.save(update_fields=["private_key_token"])
    run_now(task)

    assert codes() == ["failed", "key_refused", "recovered", "key_accepted"]
    event = Event.objects.get(code="failed")
    assert (event.run, event.task, event.reason) == (failed, task, failed.error)


def test_accepted_count_settles_suspicion(task: Task) -> None:
    run = _suspicious_run(task)
    record_event(EventCode.SUSPICIOUS, task=task)

    assert run.accept_count("Deleted by us", name="anna")
    record_event(EventCode.RECOVERED, task=task)
    record_event(EventCode.SUSPICIOUS, task=task)

    assert codes() == ["suspicious", "suspicious"]


@pytest.mark.rule("N3")
@pytest.mark.django_db(transaction=True)
def test_many_recorders_make_one_message(connection: Connection, task: Task) -> None:
    make_channel()

    _at_once(8, lambda: record_event(EventCode.FAILED, task=task))
    _at_once(8, lambda: record_event(EventCode.RECOVERED, task=task))

    assert codes() == ["failed", "recovered"]
    assert Message.objects.count() == 2


def _messages() -> list[Message]:
    return list(Message.objects.select_related("channel", "event__task").order_by("id"))


def _suspicious_run(task: Task) -> Run:
    run = run_now(task)
    Run.objects.filter(pk=run.pk).update(
        suspicion="Far fewer", suspicion_code="suspicion.fewer_shown", unfiltered_count=3
    )
    return Run.objects.get(pk=run.pk)


def _at_once(count: int, do: Callable[[], object]) -> None:
    """Call `do` in as many threads, each with a database connection of its own."""
    begin = threading.Barrier(count)

    def work() -> None:
        begin.wait()
        do()
        connection.close()

    threads = [threading.Thread(target=work) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
