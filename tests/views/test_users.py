"""The pages of users: roles, deactivation, invitations, sessions of others."""

import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from exports.access.roles import Role, active_admins, granted_role, role_of, set_role
from exports.models import LoginSession, OneTimeLink, one_time_links
from exports.models.audit import AuditEntry
from exports.models.users import LastAdminError, change_role, deactivate
from exports.reporting.users import describe_browser

pytestmark = pytest.mark.django_db

USERS = "/settings/users/"
INVITE = "/settings/users/invite/"
INVITATIONS = "/settings/invitations/"
CHOSEN = "battery staple 9"


@pytest.fixture
def signed_in(user: User) -> Client:
    """Somebody who has just logged in, and so need not confirm who they are."""
    client = logged_in(user)
    client.post("/account/login/confirm/", {"password": "correct horse"})
    return client


@pytest.fixture
def colleague(db: None) -> User:
    made = User.objects.create_user("Alex", "alex@example.com", "correct horse")
    set_role(made, Role.VIEWER)
    return made


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def press(client: Client, user: User, name: str, **typed: str) -> str:
    """Press the button of that name on the user's page; return the page that follows."""
    answer = client.post(f"/settings/users/{user.pk}/{name}/", typed, follow=True)
    return answer.content.decode()


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


@pytest.mark.rule("A2")
def test_list_shows_role_state_and_sessions(signed_in: Client, colleague: User) -> None:
    logged_in(colleague)
    logged_in(colleague)
    page = signed_in.get("/settings/users/").content.decode()
    row = page.partition(">Alex</a>")[2].partition("</tr>")[0]

    assert "Viewer" in row
    assert "Active" in row
    assert re.search(r'Open sessions">\s*2<', row)


@pytest.mark.rule("A2")
def test_role_follows_at_the_next_click(signed_in: Client, colleague: User) -> None:
    theirs = logged_in(colleague)
    assert theirs.get(USERS).status_code == 403

    page = press(signed_in, colleague, "role", role="admin")
    assert "Alex is now Admin." in page
    assert theirs.get(USERS).status_code == 200
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.changes) == ("user.role_changed", {"role": ["viewer", "admin"]})
    assert entry.actor_name == "Admin1"


@pytest.mark.rule("A2", "A4")
def test_deactivated_user_is_out_at_once(signed_in: Client, colleague: User) -> None:
    theirs = logged_in(colleague)
    link = press(signed_in, colleague, "password-link")
    page = press(signed_in, colleague, "deactivate")

    assert "Alex is deactivated" in page
    assert theirs.get("/account/").status_code == 302
    assert LoginSession.objects.filter(user=colleague).count() == 0
    assert Client().get(shown_link(link)).status_code == 410
    # Its open link neither brings them back, nor works once they are active again.
    assert Client().get(shown_link(link)).status_code == 410
    press(signed_in, colleague, "activate")
    assert Client().get(shown_link(link)).status_code == 410
    colleague = User.objects.get(pk=colleague.pk)
    assert role_of(colleague) == Role.VIEWER
    # However often it is opened, the log gets one entry an hour of it.
    assert actions()[-3:] == ["user.deactivated", "user.link_refused", "user.activated"]


def shown_link(page: str) -> str:
    found = re.search(r'value="http://testserver(/link/[^"]+)"', page)
    assert found, page
    return found[1]


@pytest.mark.rule("A3")
def test_open_browser_alone_gives_no_rights(user: User, colleague: User) -> None:
    """Whoever finds one could give rights to themselves; taking them away asks nothing."""
    left_open = logged_in(user)
    invitation, _token = one_time_links.invite(Role.VIEWER, "Admin1", user_name="Kim")
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    asked = [
        press(left_open, colleague, "password-link"),
        press(left_open, colleague, "role", role="admin"),
        press(left_open, colleague, "activate"),
        left_open.get(INVITE, follow=True).content.decode(),
        left_open.post(INVITE, {"person": "Eve", "role": "admin"}, follow=True).content.decode(),
        left_open.post(f"{INVITATIONS}{invitation.pk}/renew/", follow=True).content.decode(),
    ]

    assert ["Confirm that it is you" in page for page in asked] == [True] * len(asked)
    assert actions() == ["user.invited"]
    assert role_of(User.objects.get(pk=colleague.pk)) in (None, Role.VIEWER)
    other = User.objects.create_user("Bo")
    assert "Bo is deactivated" in press(left_open, other, "deactivate")


@pytest.mark.rule("A2")
@pytest.mark.parametrize(
    ("button", "typed"), [("role", {"role": "viewer"}), ("role", {"role": "operator"})]
)
def test_last_admin_stays_admin(
    signed_in: Client, user: User, button: str, typed: dict[str, str]
) -> None:
    page = press(signed_in, user, button, **typed)

    assert "Admin1 is the only active admin. Make somebody else an admin first" in page
    assert active_admins().get() == user


@pytest.mark.rule("A2")
def test_nobody_deactivates_themselves(signed_in: Client, user: User, colleague: User) -> None:
    change_role(colleague, Role.ADMIN)
    assert "ask another admin" in press(signed_in, user, "deactivate")
    assert User.objects.get(pk=user.pk).is_active


def test_deactivated_admin_does_not_count(user: User, colleague: User) -> None:
    change_role(colleague, Role.ADMIN)
    deactivate(colleague)

    with pytest.raises(LastAdminError):
        change_role(user, Role.VIEWER)
    # Of somebody who is deactivated already the role can be taken.
    change_role(colleague, Role.VIEWER)
    assert granted_role(User.objects.get(pk=colleague.pk)) == Role.VIEWER


def test_demoted_superuser_keeps_no_rights(user: User, colleague: User) -> None:
    change_role(colleague, Role.ADMIN)
    change_role(user, Role.OPERATOR)
    stored = User.objects.get(pk=user.pk)

    assert role_of(stored) == Role.OPERATOR
    assert not stored.is_superuser
    assert not stored.is_staff


@pytest.mark.rule("A2")
@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_remove_each_other() -> None:
    pair = [User.objects.create_user(name) for name in ("Ada", "Bea")]
    for one in pair:
        set_role(one, Role.ADMIN)
    at_once, refused = threading.Barrier(2), []

    def demote(one: User) -> None:
        at_once.wait()
        try:
            change_role(one, Role.VIEWER)
        except LastAdminError:
            refused.append(one)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=demote, args=(one,)) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert active_admins().get() == refused[0]


def test_admin_ends_sessions_of_others(signed_in: Client, user: User, colleague: User) -> None:
    browsers = [logged_in(colleague) for _ in range(3)]
    newest = LoginSession.objects.of(colleague).first()
    assert newest
    assert "1 session was ended." in press(signed_in, colleague, f"sessions/{newest.pk}/end")
    assert "2 sessions were ended." in press(signed_in, colleague, "end-sessions")

    assert [browser.get("/account/").status_code for browser in browsers] == [302] * 3
    # Not by the address of another user's page.
    own = LoginSession.objects.of(user).get()
    assert "ended already" in press(signed_in, colleague, f"sessions/{own.pk}/end")
    assert LoginSession.objects.of(user).count() == 1


def invite(client: Client, person: str, role: str = "operator") -> str:
    return client.post(INVITE, {"person": person, "role": role}).content.decode()


@pytest.mark.rule("A2")
def test_invitation_is_shown_once_and_hashed(signed_in: Client) -> None:
    address = shown_link(invite(signed_in, "new@example.com"))
    token = address.split("/")[2]
    row = OneTimeLink.objects.get()

    assert token not in str(OneTimeLink.objects.values().get())
    assert (row.email, row.role, row.created_by) == ("new@example.com", "operator", "Admin1")
    assert timedelta(days=6, hours=23) < row.expires_at - timezone.now() <= timedelta(days=7)
    listed = signed_in.get("/settings/users/").content.decode()
    assert "new@example.com" in listed
    assert token not in listed


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        ("", "Type an address such as alex@example.com, or a user name."),
        ("Alex", "Alex is a user already"),
        ("alex", "alex is a user already"),
        ("ALEX@example.com", "ALEX@example.com is a user already"),
        ("name@nowhere", "name@nowhere is no mail address"),
        ("two words", "Enter a valid username"),
        ("Waiting", "Waiting is invited already"),
    ],
)
def test_wrong_invitation_is_refused_in_words(
    signed_in: Client, colleague: User, person: str, sentence: str
) -> None:
    invite(signed_in, "Waiting")
    page = invite(signed_in, person)

    assert sentence in page
    assert f'value="{person}"' in page or not person
    assert OneTimeLink.objects.count() == 1


def test_without_passwords_nobody_is_invited(
    signed_in: Client, colleague: User, settings: Settings
) -> None:
    settings.CWEXPORT_PASSWORD_LOGIN = False
    page = invite(signed_in, "new@example.com")

    assert "Passwords are switched off in this installation" in page
    assert not OneTimeLink.objects.exists()
    shown = signed_in.get(f"/settings/users/{colleague.pk}/").content.decode()
    assert "Make a password link" not in shown
    assert "Deactivate" in shown


@pytest.mark.rule("A2")
def test_new_invitation_replaces_the_old(signed_in: Client) -> None:
    old = shown_link(invite(signed_in, "Kim"))
    first = OneTimeLink.objects.get()
    answer = signed_in.post(f"/settings/invitations/{first.pk}/renew/").content.decode()
    new = shown_link(answer)

    assert Client().get(old).status_code == 410
    assert Client().get(new).status_code == 200
    [listed] = OneTimeLink.objects.invitations()
    signed_in.post(f"/settings/invitations/{listed.pk}/revoke/")
    assert Client().get(new).status_code == 410
    page = signed_in.post(f"/settings/invitations/{listed.pk}/revoke/", follow=True)
    assert "used or revoked meanwhile" in page.content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_admins_see_users(colleague: User, role: Role) -> None:
    set_role(colleague, role)
    client = logged_in(colleague)

    assert client.get("/settings/users/").status_code == 403
    assert (
        client.post(f"/settings/users/{colleague.pk}/role/", {"role": "admin"}).status_code == 403
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("curl/8.5.0", "curl"),
        ("", "Unknown browser"),
    ],
)
def test_browser_is_named_in_short(text: str, shown: str) -> None:
    assert describe_browser(text) == shown
