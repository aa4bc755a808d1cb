"""The outbox is worked off at least once, in order, by as many senders as there are (N4)."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from exports.models import Channel, Message, Task, record_event
from exports.models.codes import EventCode
from exports.models.messages import GIVEN_UP_AFTER, STALLED_AFTER
from exports.notifications.sending import send_messages
from exports.workers import recovery
from tests.conftest import MakeTask
from tests.notifications.conftest import hook_channel, mail_channel
from tests.notifications.sinks import MailSink, WebSink
from tests.processes import worker_process

pytestmark = pytest.mark.django_db

DOWN = "http://127.0.0.1:1"


def due_now() -> None:
    Channel.objects.update(paused_until=None)
    Message.objects.filter(state="waiting").update(next_try_at=timezone.now())


def states() -> list[str]:
    return list(Message.objects.order_by("id").values_list("state", flat=True))


@pytest.mark.rule("N4")
def test_later_message_of_task_waits_for_earlier(hook: WebSink, task: Task) -> None:
    hook_channel(hook.url)
    hook.answers = [(500, {}, b"")]
    record_event(EventCode.FAILED, task=task)
    record_event(EventCode.RECOVERED, task=task)

    send_messages()
    assert states() == ["waiting", "waiting"]
    assert len(hook.posts) == 1
    due_now()
    send_messages()

    assert states() == ["sent", "sent"]
    assert [b'"type":"failed"' in post[2] for post in hook.posts] == [True, True, False]
    ids = [post[1]["webhook-id"] for post in hook.posts]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.rule("N4")
def test_failing_channel_holds_up_no_other(hook: WebSink, make_task: MakeTask) -> None:
    hook_channel(hook.url, name="Up")
    down = hook_channel(DOWN, name="Down")
    record_event(EventCode.FAILED, task=make_task())
    record_event(EventCode.FAILED, task=make_task(name="Other", output_file="other.xml"))

    send_messages()

    assert len(hook.posts) == 2
    assert sum(row.attempt_count for row in Message.objects.filter(channel=down)) == 1
    assert list(Channel.objects.failing()) == [down]


def test_pauses_grow_and_end(task: Task) -> None:
    channel = hook_channel(DOWN)
    record_event(EventCode.FAILED, task=task)
    pauses = []
    for _try in range(3):
        before = timezone.now()
        send_messages()
        channel.refresh_from_db()
        pauses.append(Message.objects.get().next_try_at - before)
        due_now()

    assert pauses[0] < pauses[1] < pauses[2]
    Message.objects.update(queued_at=timezone.now() - GIVEN_UP_AFTER - timedelta(hours=1))
    send_messages()

    assert states() == ["failed"]
    assert Message.objects.get().send_again()
    assert states() == ["waiting"]


def test_channel_that_works_again_hastens_the_rest(hook: WebSink, make_task: MakeTask) -> None:
    channel = hook_channel(hook.url)
    hook.answers = [(500, {}, b"")]
    record_event(EventCode.FAILED, task=make_task())
    send_messages()
    assert Channel.objects.get().failing_since is not None
    Channel.objects.update(paused_until=None)
    record_event(EventCode.FAILED, task=make_task(name="Other", output_file="other.xml"))

    send_messages()

    channel.refresh_from_db()
    assert (channel.failing_since, channel.failure, channel.failure_count) == (None, "", 0)
    assert states() == ["sent", "sent"]


def test_disabled_channel_keeps_its_messages(hook: WebSink, task: Task) -> None:
    channel = hook_channel(hook.url)
    record_event(EventCode.FAILED, task=task)
    Channel.objects.filter(pk=channel.pk).update(is_enabled=False)

    send_messages()

    assert states() == ["waiting"]


@pytest.mark.rule("N4")
def test_message_of_dead_sender_is_released(hook: WebSink, task: Task) -> None:
    hook_channel(hook.url)
    record_event(EventCode.FAILED, task=task)
    message = Message.objects.get()
    assert message.take("a sender that was killed")
    Message.objects.update(heartbeat_at=timezone.now() - 2 * STALLED_AFTER)

    send_messages()
    assert hook.posts == []
    recovery.recover()
    send_messages()

    assert states() == ["sent"]
    assert len(hook.posts) == 1


def test_late_sender_cannot_end_it(hook: WebSink, task: Task) -> None:
    hook_channel(hook.url)
    record_event(EventCode.FAILED, task=task)
    late = Message.objects.get()
    assert late.take("late")
    Message.objects.update(state="waiting", owner="")
    assert Message.objects.get().take("quick") is True

    with pytest.raises(Exception, match="sent by another worker"):
        late.finish("250 OK")


@pytest.mark.rule("N3", "N4")
@pytest.mark.django_db(transaction=True)
def test_two_senders_send_each_message_once(hook: WebSink, make_task: MakeTask) -> None:
    hook_channel(hook.url)
    for number in range(6):
        task = make_task(name=f"Task {number}", output_file=f"{number}.xml")
        record_event(EventCode.FAILED, task=task)
        record_event(EventCode.RECOVERED, task=task)

    def work() -> None:
        while Message.objects.open().exists():
            send_messages()
        database.close()

    threads = [threading.Thread(target=work) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ids = [post[1]["webhook-id"] for post in hook.posts]
    assert len(ids) == len(set(ids)) == 12
    assert set(states()) == {"sent"}


@pytest.mark.rule("N4")
@pytest.mark.django_db(transaction=True)
def test_killed_sender_loses_no_message(hook: WebSink, task: Task) -> None:
    """The worker is killed while the hook has the message and has not answered."""
    got, go_on = threading.Event(), threading.Event()

    class Slow(list[tuple[str, dict[str, str], bytes]]):
        def append(self, post: tuple[str, dict[str, str], bytes]) -> None:
            super().append(post)
            got.set()
            go_on.wait(30)

    hook.posts = Slow()
    hook_channel(hook.url)
    record_event(EventCode.FAILED, task=task)
    with worker_process() as worker:
        assert got.wait(60)
        worker.kill()
        worker.wait()
    go_on.set()
    assert states() == ["sending"]
    Message.objects.update(heartbeat_at=timezone.now() - 2 * STALLED_AFTER)

    recovery.recover()
    send_messages()

    assert states() == ["sent"]
    assert len({post[1]["webhook-id"] for post in hook.posts}) == 1


@pytest.mark.django_db(transaction=True)
def test_worker_sends_mails(hook: WebSink, task: Task) -> None:
    hook_channel(hook.url)
    record_event(EventCode.FAILED, task=task)

    with worker_process():
        end = time.monotonic() + 60
        while states() != ["sent"] and time.monotonic() < end:
            time.sleep(0.1)

    assert len(hook.posts) == 1


def test_queries_of_an_idle_sender(
    mails: MailSink, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    mail_channel()

    with django_assert_num_queries(1):  # type: ignore[operator]
        send_messages()


def test_idle_sender_reads_an_index_alone() -> None:
    plan = Message.objects.due().explain()

    assert "SCAN exports_message" not in plan
