"""The pages of channels: form of each kind, test, list, deletion (N1, N2)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from exports.models import Channel, Message, Task, record_event
from exports.models.codes import EventCode
from exports.notifications import web
from exports.notifications.sending import send_messages
from tests.conftest import MakeTask
from tests.notifications.conftest import SECRET, chat_channel, hook, hook_channel, mails
from tests.notifications.sinks import MailSink, WebSink

__all__ = ["hook", "mails"]

pytestmark = pytest.mark.django_db


def typed(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Accounting",
        "language": "en",
        "is_enabled": "on",
        "codes": ["failed", "recovered"],
        "scope": "all",
        **fields,
    }


def post(client: Client, kind: str, **fields: Any) -> str:
    answer = client.post(reverse("channel-create", args=[kind]), typed(**fields), follow=True)
    return answer.content.decode()


def page(client: Client, channel: Channel) -> str:
    return client.get(reverse("channel-edit", args=[channel.pk])).content.decode()


def test_channel_is_made_from_pages(admin_client: Client, mails: MailSink, task: Task) -> None:
    kinds = admin_client.get(reverse("channel-kind")).content.decode()
    assert reverse("channel-create", args=["email"]) in kinds

    post(
        admin_client,
        "email",
        kind_to="Anna@Example.com,\nbert@example.com\n",
        scope="chosen",
        tasks=[task.pk],
        language="de",
    )

    channel = Channel.objects.get()
    assert channel.settings == {"to": "Anna@example.com\nbert@example.com"}
    assert (channel.language, channel.is_for_all) == ("de", False)
    assert list(channel.tasks.all()) == [task]
    assert channel.subscribed_codes() == {"failed", "recovered"}


@pytest.mark.rule("N1")
def test_test_shows_what_was_answered(admin_client: Client, mails: MailSink) -> None:
    shown = post(admin_client, "email", kind_to="anna@example.com", test="yes")

    for part in ("Mail server answers", "Login accepted", "250 OK queued as 42"):
        assert part in shown
    assert mails.mails[0]["Subject"] == "[cwexport] Test message of cwexport"


def test_failed_test_names_its_step(admin_client: Client, mails: MailSink) -> None:
    mails.refused = {"gone@example.com"}

    shown = post(admin_client, "email", kind_to="gone@example.com", test="yes")

    assert "550 5.1.1 No such user" in shown
    assert "The test of Accounting failed" in shown
    assert Channel.objects.get().failure_code == "channel.refused"


def test_followed_test_tells_each_step(admin_client: Client, hook: WebSink) -> None:
    channel = hook_channel(hook.url)

    answer = admin_client.post(reverse("channel-test-live", args=[channel.pk]))

    parts = b"".join(answer).decode().split("\f")  # type: ignore[arg-type]
    assert "Testing: Message accepted" in parts[0]
    assert "127.0.0.1 answered 200" in parts[1]


@pytest.mark.rule("C3")
def test_secrets_never_come_out(admin_client: Client, hook: WebSink) -> None:
    made = hook_channel(hook.url), chat_channel("slack", hook.url)
    pages = [page(admin_client, channel) for channel in made]
    pages.append(admin_client.get(reverse("channel-list")).content.decode())
    pages.append(
        post(
            admin_client, "webhook", name="", kind_url="nonsense", kind_secret="typed-secret-words"
        )
    )

    for text in pages:
        assert SECRET not in text
        assert "very-secret-part" not in text
        assert "typed-secret-words" not in text
    assert "please type it once more" in pages[-1]


@pytest.mark.rule("C5")
def test_other_address_asks_for_secret(admin_client: Client, hook: WebSink) -> None:
    channel = hook_channel(hook.url)
    address = reverse("channel-edit", args=[channel.pk])

    moved = admin_client.post(address, typed(kind_url=f"{hook.url}/elsewhere", kind_secret=""))
    assert "Type it again, as these changed: Address" in moved.content.decode()
    admin_client.post(address, typed(kind_url=f"{hook.url}/told", kind_secret=""))

    channel.refresh_from_db()
    assert channel.name == "Accounting"
    assert channel.read_secrets() == {"secret": SECRET}
    assert channel.settings == {"url": f"{hook.url}/told"}


@pytest.mark.rule("C6")
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("hooks.example.com", "begins with https://"),
        ("http://169.254.169.254/latest", "never called"),
        ("https://anna:secret@hooks.example.com/", "no user name or password"),
        ("https://hooks.example.com/#a", "holds no #"),
        ("https://hooks.example.com:99999/", "port"),
        ("ftp://hooks.example.com/", "begins with https://"),
        ("https://[::1", "no web address"),
    ],
)
def test_bad_address_is_refused_in_words(admin_client: Client, url: str, words: str) -> None:
    shown = post(admin_client, "webhook", kind_url=url, kind_secret=SECRET)

    assert words in shown
    assert not Channel.objects.exists()


def test_plain_http_is_refused_outside(admin_client: Client, settings: Settings) -> None:
    settings.CWEXPORT_ALLOW_HTTP = False

    assert "Plain http" in post(
        admin_client, "slack", kind_url="http://hooks.example.com/services/x"
    )


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("", "Type an address"),
        ("anna", "“anna” is no mail address"),
        ("anna@example.com\nbert@", "“bert@” is no mail address"),
        ("a@b.c\r\nBcc: x@y.z", "is no mail address"),
        ("\n".join(f"a{number}@example.com" for number in range(21)), "distribution list"),
    ],
)
def test_bad_recipient_is_refused_in_words(admin_client: Client, to: str, words: str) -> None:
    assert words in post(admin_client, "email", kind_to=to)
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("secret", "words"),
    [("short", "16 characters"), ("whsec_§§", "plain letters"), ("whsec_a", "no base64")],
)
def test_bad_secret_is_refused(admin_client: Client, secret: str, words: str) -> None:
    fields = {"kind_url": "https://hooks.example.com/x", "kind_secret": secret}

    assert words in post(admin_client, "webhook", **fields)


def test_events_and_tasks_are_needed(admin_client: Client, task: Task) -> None:
    shown = post(admin_client, "email", kind_to="a@example.com", codes=[], scope="chosen")

    assert "Choose at least one event" in shown
    assert "Choose at least one task" in shown


def test_unknown_kind_has_no_form(admin_client: Client) -> None:
    assert admin_client.get(reverse("channel-create", args=["pigeon"])).status_code == 404
    lost = Channel.objects.create(name="Lost", kind="pigeon")
    assert "another version" in page(admin_client, lost)
    assert "pigeon" in admin_client.get(reverse("channel-list")).content.decode()


@pytest.mark.rule("N4")
def test_failing_channel_says_why(admin_client: Client, hook: WebSink, task: Task) -> None:
    channel = hook_channel(hook.url)
    hook.answers = [(410, {}, b"")]
    record_event(EventCode.FAILED, task=task)
    send_messages()

    shown = admin_client.get(reverse("channel-list")).content.decode()

    assert "no longer exists there" in shown
    assert "1 message waits" in shown
    assert "Nothing has got through since" in page(admin_client, channel)


def test_mended_channel_sends_what_waits(admin_client: Client, hook: WebSink, task: Task) -> None:
    channel = hook_channel("http://127.0.0.1:1")
    record_event(EventCode.FAILED, task=task)
    send_messages()
    fields = typed(kind_url=f"{hook.url}/told", kind_secret=SECRET)

    admin_client.post(reverse("channel-edit", args=[channel.pk]), fields)
    send_messages()

    assert Message.objects.get().state == "sent"


def test_slow_hook_ends_the_test(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "LIMITS", web.Limits(connect=0.2, read=0.2, total=0.2))
    channel = hook_channel("http://127.0.0.1:1")

    answer = admin_client.post(reverse("channel-test", args=[channel.pk]), follow=True)

    assert "refused the connection" in answer.content.decode()


def test_two_editors_keep_each_others_fields(admin_client: Client, hook: WebSink) -> None:
    channel = hook_channel(hook.url, name="Accounting")
    address = reverse("channel-edit", args=[channel.pk])
    opened = admin_client.get(address).context["form"]["opened_with"].value()
    channel.subscribe(["missed"])
    every = sorted(code for code in EventCode.values)
    fields = typed(kind_url=f"{hook.url}/told", codes=every, language="de")

    admin_client.post(address, {**fields, "opened_with": opened})

    channel.refresh_from_db()
    assert channel.language == "de"


def test_deleted_channel_takes_its_messages(
    admin_client: Client, hook: WebSink, task: Task
) -> None:
    channel = hook_channel(hook.url)
    record_event(EventCode.FAILED, task=task)
    address = reverse("channel-delete", args=[channel.pk])

    assert "1 message still waits" in admin_client.get(address).content.decode()
    answer = admin_client.post(address, follow=True)

    assert "Channel Hook was deleted." in answer.content.decode()
    assert not Message.objects.exists()


def test_task_page_says_who_is_told(
    admin_client: Client, hook: WebSink, make_task: MakeTask
) -> None:
    task, other = make_task(), make_task(name="Other", output_file="other.xml")
    channel = hook_channel(hook, is_for_all=False)
    channel.tasks.add(task)

    def told_of(task: Task) -> str:
        page = admin_client.get(reverse("task-detail", args=[task.pk])).content.decode()
        return page.split("Told when a run fails")[1].split("</dd>")[0]

    assert f'/channels/{channel.pk}/">{channel.name}<' in told_of(task)
    assert "Nobody" in told_of(other)


def test_list_asks_the_same_for_many(
    admin_client: Client, hook: WebSink, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(5):
        hook_channel(hook.url, name=f"Hook {number}")

    with django_assert_max_num_queries(6):
        admin_client.get(reverse("channel-list"))
