"""What needs attention can be acknowledged, until it changes."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.access.roles import Role, set_role
from exports.models import Acknowledgement, AuditEntry, Channel, Run, Task
from tests.screen_fixtures import fail

MakeTask = Callable[..., Task]
HOME, ACKNOWLEDGE = reverse("home"), reverse("attention-acknowledge")


def attention(client: Client) -> tuple[str, str]:
    """The open part of what needs attention, and the part that is folded away."""
    page = unescape(client.get(HOME).content.decode())
    part = page[page.index('id="home-attention"') :].partition("</section>")[0]
    shown, _summary, folded = part.partition('class="acknowledged"')
    return shown, folded


def seen(run: Run, **typed: object) -> dict[str, object]:
    run.refresh_from_db()
    assert run.finished_at
    return {"topic": "runs", "number": run.pk, "since": run.finished_at.isoformat(), **typed}


def failing_count(client: Client) -> str:
    return client.get(reverse("changes")).headers["HX-Trigger"]


def test_failure_is_folded_with_who_and_note(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = fail(make_task())
    assert f'name="number" value="{run.pk}"' in attention(signed_in)[0]
    answer = signed_in.post(ACKNOWLEDGE, seen(run, note=" The key  is ordered "), follow=True)
    assert f"{run} is acknowledged." in answer.content.decode()

    shown, folded = attention(signed_in)
    assert str(run) not in shown
    assert f"{run}</a>: The key is ordered" in folded
    assert f"by {user.username}" in folded
    assert "1 acknowledged" in folded
    entry = AuditEntry.objects.get(action="attention.acknowledged")
    assert (entry.object_type, entry.object_id) == ("run", str(run.pk))
    assert entry.changes["note"] == [None, "The key is ordered"]


@pytest.mark.rule("M2")
def test_it_holds_until_next_failure(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    signed_in.post(ACKNOWLEDGE, seen(fail(task)))
    assert '"count": 0' in failing_count(signed_in)
    later = fail(task)
    shown, folded = attention(signed_in)
    assert str(later) in shown
    assert folded == ""
    assert '"count": 1' in failing_count(signed_in)


def test_undo_brings_it_back(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    signed_in.post(ACKNOWLEDGE, seen(run))
    row = Acknowledgement.objects.get()
    signed_in.post(reverse("attention-undo", args=[row.pk]))
    shown, folded = attention(signed_in)
    assert str(run) in shown
    assert folded == ""
    assert AuditEntry.objects.filter(action="attention.acknowledgement_undone").exists()
    # Somebody else may have been quicker.
    assert signed_in.post(reverse("attention-undo", args=[row.pk])).status_code == 302


def test_what_changed_meanwhile_is_not_acknowledged(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    before = seen(fail(task))
    fail(task)
    answer = signed_in.post(ACKNOWLEDGE, before, follow=True)
    assert "That has changed meanwhile" in answer.content.decode()
    assert not Acknowledgement.objects.exists()


def test_channel_is_acknowledged_as_long_as_it_fails(signed_in: Client) -> None:
    since = timezone.now() - timedelta(hours=1)
    channel = Channel.objects.create(
        name="Accounting", kind="email", failing_since=since, failure_code="x", failure="Away."
    )
    typed = {"topic": "channels", "number": channel.pk, "since": since.isoformat()}
    assert "Messages do not get out" in attention(signed_in)[0]
    signed_in.post(ACKNOWLEDGE, typed)
    shown, folded = attention(signed_in)
    assert "Messages do not get out" not in shown
    assert "Accounting" in folded

    Channel.objects.update(failing_since=since + timedelta(minutes=1))
    shown, folded = attention(signed_in)
    assert "Messages do not get out" in shown
    assert folded == ""


def test_acknowledging_renews_open_pages(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    changes = reverse("changes")
    before = signed_in.get(changes).content.decode()
    signed_in.post(ACKNOWLEDGE, seen(run))
    assert signed_in.get(changes, {"since": before}).status_code == 200
    between = signed_in.get(changes).content.decode()
    signed_in.post(reverse("attention-undo", args=[Acknowledgement.objects.get().pk]))
    assert signed_in.get(changes, {"since": between}).status_code == 200


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"topic": "nonsense", "number": "1", "since": "x"},
        {"topic": "runs", "number": "²", "since": ""},
        {"topic": "disks", "number": "9" * 30},
    ],
)
def test_nonsense_acknowledges_nothing(signed_in: Client, typed: dict[str, str]) -> None:
    assert signed_in.post(ACKNOWLEDGE, typed).status_code == 302
    assert not Acknowledgement.objects.exists()


def test_long_note_is_refused(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    answer = signed_in.post(ACKNOWLEDGE, seen(run, note="x" * 201), follow=True)
    assert "The note is too long" in answer.content.decode()
    assert not Acknowledgement.objects.exists()


def test_viewer_sees_but_may_not(client: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    set_role(User.objects.create_user("viewer"), Role.VIEWER)
    client.force_login(User.objects.get(username="viewer"))
    assert "attention/acknowledge" not in client.get(HOME).content.decode()
    assert client.post(ACKNOWLEDGE, seen(run)).status_code == 403
    assert not Acknowledgement.objects.exists()
