"""One-time links: what each makes, once, and what is said when it does not work any more."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from time_machine import travel

from exports.access.roles import Role, role_of, set_role
from exports.models import LoginSession, OneTimeLink
from exports.models.audit import AuditEntry
from exports.models.joining import (
    LinkOverError,
    NameTakenError,
    issue_password_link,
    issue_set_up_link,
    use_link,
)
from exports.models.one_time_links import invite

pytestmark = pytest.mark.django_db

CHOSEN = "battery staple 9"


def page_of(token: str) -> str:
    return reverse("one-time-link", args=[token])


def choose(
    client: Client, token: str, name: str = "Kim", password: str = CHOSEN
) -> tuple[int, str]:
    typed = {"user_name": name, "password": password, "password_again": password}
    answer = client.post(page_of(token), typed, follow=True)
    return answer.status_code, answer.content.decode()


@pytest.mark.rule("A2")
def test_invited_person_chooses_name_and_password(client: Client) -> None:
    _link, token = invite(Role.OPERATOR, "Admin1", email="kim@example.com")
    # Programs that read mails open links: that uses nothing up.
    assert (
        "You are invited to this installation as Operator"
        in client.get(page_of(token)).content.decode()
    )
    status, page = choose(client, token)

    assert status == 200
    assert "Your password is set. Log in as Kim." in page
    user = User.objects.get()
    assert (user.username, user.email, role_of(user)) == ("Kim", "kim@example.com", Role.OPERATOR)
    assert user.check_password(CHOSEN)
    assert not user.is_superuser
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.object_name, entry.actor_kind) == (
        "user.created",
        "Kim",
        "anonymous",
    )


def test_name_of_the_invitation_stays(client: Client) -> None:
    _link, token = invite(Role.VIEWER, "Admin1", user_name="Kim")
    choose(client, token, name="Somebody")
    assert User.objects.get().username == "Kim"


@pytest.mark.rule("A2")
def test_link_works_only_once(client: Client) -> None:
    link, token = invite(Role.VIEWER, "Admin1", email="kim@example.com")
    choose(client, token)
    status, page = choose(client, token, name="Second")

    assert status == 410
    assert "It was used already, and works only once." in page
    assert User.objects.count() == 1
    assert AuditEntry.objects.latest("pk").action == "user.link_refused"
    with pytest.raises(LinkOverError):
        use_link(OneTimeLink.objects.get(pk=link.pk), "Third", CHOSEN)


@pytest.mark.rule("A2")
@pytest.mark.parametrize("method", ["get", "post"])
def test_link_that_is_over_says_why(client: Client, method: str) -> None:
    expired, late = invite(Role.VIEWER, "Admin1", email="late@example.com")
    revoked, back = invite(Role.VIEWER, "Admin1", email="back@example.com")
    revoked.withdraw()
    with travel(expired.expires_at + timedelta(seconds=1)):
        answers = [getattr(client, method)(page_of(token)) for token in (late, back, late[:-3])]
    pages = [answer.content.decode() for answer in answers]

    assert [answer.status_code for answer in answers] == [410, 410, 404]
    assert "Its time was over at" in pages[0]
    assert "It was taken back" in pages[1]
    assert "some programs cut long ones off" in pages[2]
    assert all("ask an admin of this installation for a new link" in page for page in pages)
    assert not User.objects.exists()


@pytest.mark.parametrize("token", ["x", "a/b", "%00", "..", "ä", "a" * 3000])
def test_garbled_link_is_answered(client: Client, token: str) -> None:
    assert client.get(f"/link/{token}/", follow=True).status_code in (400, 404)


@pytest.mark.parametrize(
    ("name", "password", "again", "sentence"),
    [
        ("Kim", "xyz-9", "xyz-9", "This password is too short."),
        ("Kim", CHOSEN, "other staple 99", "The two passwords differ"),
        ("kim.the.admin", "kim.the.admin1", "kim.the.admin1", "too similar to the username"),
        ("ALEX", CHOSEN, CHOSEN, "ALEX is taken."),
        ("two words", CHOSEN, CHOSEN, "Enter a valid username"),
        ("", CHOSEN, CHOSEN, "This field is required."),
    ],
)
def test_wrong_choice_keeps_the_link(
    client: Client, name: str, password: str, again: str, sentence: str
) -> None:
    User.objects.create_user("Alex")
    link, token = invite(Role.VIEWER, "Admin1", email="kim@example.com")
    typed = {"user_name": name, "password": password, "password_again": again}
    page = client.post(page_of(token), typed).content.decode()

    assert sentence in page
    assert password not in page
    assert OneTimeLink.objects.get(pk=link.pk).state == "open"
    assert User.objects.count() == 1


def test_name_taken_meanwhile_keeps_the_link() -> None:
    link, _token = invite(Role.VIEWER, "Admin1", user_name="Kim")
    User.objects.create_user("kim")

    with pytest.raises(NameTakenError):
        use_link(link, "", CHOSEN)
    assert OneTimeLink.objects.get(pk=link.pk).state == "open"


@pytest.mark.rule("A2", "A4")
def test_password_link_ends_all_sessions(client: Client) -> None:
    user = User.objects.create_user("Kim", password="correct horse")
    set_role(user, Role.VIEWER)
    client.force_login(user)
    _old, replaced = issue_password_link(user, "Admin1")
    _link, token = issue_password_link(user, "Admin1")
    assert client.get(page_of(replaced)).status_code == 410
    stranger = Client()
    choose(stranger, token)

    user.refresh_from_db()
    assert user.check_password(CHOSEN)
    assert role_of(user) == Role.VIEWER
    assert client.get("/account/").status_code == 302
    assert LoginSession.objects.of(user).count() == 0
    entry = AuditEntry.objects.filter(action="user.password_changed").get()
    assert entry.changes == {"password": "changed"}


def test_new_password_revokes_open_links(client: Client) -> None:
    user = User.objects.create_user("Kim", password="correct horse")
    _link, token = issue_password_link(user, "Admin1")
    client.force_login(user)
    typed = {"old_password": "correct horse", "new_password1": CHOSEN, "new_password2": CHOSEN}
    client.post("/password/", typed)

    assert Client().get(page_of(token)).status_code == 410


def test_using_a_link_logs_others_out(client: Client) -> None:
    client.force_login(User.objects.create_user("Alex"))
    _link, token = invite(Role.VIEWER, "Admin1", email="kim@example.com")
    assert "You are logged in as Alex" in client.get(page_of(token)).content.decode()
    choose(client, token)

    assert client.get("/account/").status_code == 302


@pytest.mark.rule("A2")
def test_first_admin_comes_by_link(client: Client) -> None:
    token = issue_set_up_link()
    assert token
    assert "You become the admin" in client.get(page_of(token)).content.decode()
    choose(client, token, "First")

    assert role_of(User.objects.get(username="First")) == Role.ADMIN
    assert issue_set_up_link() is None
    assert choose(client, token, "Second")[0] == 410


@pytest.mark.rule("A2")
def test_set_up_link_ends_with_first_user(client: Client) -> None:
    first = issue_set_up_link()
    newer = issue_set_up_link()
    assert first
    assert newer
    assert client.get(page_of(first)).status_code == 410
    User.objects.create_superuser("Admin1")
    status, page = choose(client, newer, "Second")

    assert status == 410
    assert "The first login has been made meanwhile." in page
    assert User.objects.count() == 1


@pytest.mark.rule("A2")
@pytest.mark.django_db(transaction=True)
def test_of_two_first_admins_one_wins() -> None:
    # Two hosts that started at the same moment: neither revoked the other's link.
    issue_set_up_link()
    issue_set_up_link()
    OneTimeLink.objects.update(revoked_at=None)
    links = [*OneTimeLink.objects.all(), OneTimeLink.objects.latest("pk")]
    at_once, lost = threading.Barrier(len(links)), []

    def set_up(link: OneTimeLink, name: str) -> None:
        at_once.wait()
        try:
            use_link(link, name, CHOSEN)
        except LinkOverError:
            lost.append(name)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=set_up, args=(link, f"Admin{number}"))
        for number, link in enumerate(links)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 2
    assert User.objects.count() == 1


def test_old_links_are_cleared_away() -> None:
    from exports.housekeeping.old_rows import old_rows

    link, _token = invite(Role.VIEWER, "Admin1", user_name="Kim")
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(days=91))
    rows = dict(old_rows(timezone.now() - timedelta(days=90)))
    assert list(rows["one-time links"]) == [link]
