"""My account: one's own role and sessions."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exports.models import LoginSession

pytestmark = pytest.mark.django_db


def another(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.rule("A4")
def test_own_sessions_are_listed_and_ended(signed_in: Client, user: User) -> None:
    second, third = another(user), another(user)
    page = signed_in.get("/account/").content.decode()
    assert page.count(">This session<") == 1
    assert page.count("/end/") == 2

    newest = LoginSession.objects.of(user).first()
    assert newest
    signed_in.post(f"/account/sessions/{newest.pk}/end/")
    assert LoginSession.objects.of(user).count() == 2
    page = signed_in.post("/account/sessions/end-others/", follow=True).content.decode()
    assert "1 session was ended." in page
    assert [client.get("/account/").status_code for client in (second, third)] == [302, 302]
    assert signed_in.get("/account/").status_code == 200


def test_session_of_another_person_stays(signed_in: Client, user: User) -> None:
    other = User.objects.create_user("Alex")
    client = another(other)
    theirs, own = LoginSession.objects.of(other).get(), LoginSession.objects.of(user).get()
    for row in (theirs, own):
        page = signed_in.post(f"/account/sessions/{row.pk}/end/", follow=True).content.decode()
        assert "ended already" in page

    assert client.get("/account/").status_code == 200
    assert signed_in.get("/account/").status_code == 200


def test_login_without_role_sees_the_account() -> None:
    page = another(User.objects.create_user("Alex")).get("/account/")

    assert page.status_code == 200
    assert "Alex · None" in page.content.decode()
