"""Login, logout, and the pages around them."""

import re

import pytest
from django.conf import settings as installed
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.views.defaults import server_error
from pytest_django import Settings

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"  # as in screen_fixtures


def log_in(client: Client, password: str = PASSWORD, **fields: str) -> HttpResponse:
    return client.post("/login/", {"username": "Admin1", "password": password, **fields})


def test_page_asks_for_login_and_returns(client: Client, user: User) -> None:
    asked = client.get("/connections/")
    assert asked.headers["Location"] == "/login/?next=/connections/"

    page = client.get("/login/?next=/connections/").content.decode()
    assert 'name="next" value="/connections/"' in page

    assert log_in(client, next="/connections/").headers["Location"] == "/connections/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com", "\\\\x"])
def test_a_login_never_leads_to_another_host(client: Client, user: User, elsewhere: str) -> None:
    assert log_in(client, next=elsewhere).headers["Location"] == "/"


def test_wrong_password_keeps_the_name(client: Client, user: User) -> None:
    response = log_in(client, "wrong")

    page = response.content.decode()
    assert response.status_code == 200
    assert "User name and password do not match." in page
    assert 'value="Admin1"' in page
    assert "wrong" not in page
    # The name is usually right, so the password gets the focus.
    assert re.findall(r'<input[^>]* name="([^"]*)"[^>]* autofocus', page) == ["password"]


def test_login_focuses_the_user_name(client: Client) -> None:
    page = client.get("/login/").content.decode()
    assert re.findall(r"<label[^>]*>\s*([^<*]*)<", page) == ["User name", "Password"]
    assert re.findall(r'<input[^>]* name="([^"]*)"[^>]* autofocus', page) == ["username"]


def test_a_login_gets_a_new_session(client: Client, user: User) -> None:
    client.get("/login/")
    client.cookies[installed.SESSION_COOKIE_NAME] = "chosen-by-somebody-else"

    log_in(client)

    assert client.cookies[installed.SESSION_COOKIE_NAME].value != "chosen-by-somebody-else"


def test_ten_wrong_passwords_lock_name_and_address(client: Client, user: User) -> None:
    answers = [log_in(client, "wrong") for _ in range(10)]

    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].content.decode()
    assert log_in(client).status_code == 429
    # Nobody can lock out another user from a different address.
    assert log_in(Client(REMOTE_ADDR="192.0.2.7")).status_code == 302


def test_logging_out_takes_a_post(signed_in: Client) -> None:
    assert signed_in.get("/logout/").status_code == 405
    answer = signed_in.post("/logout/")
    assert answer.headers["Location"] == "/login/"
    # Cookies stay: those of other installations on this host would go too.
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert signed_in.get("/connections/").status_code == 302


def test_the_password_can_be_changed(signed_in: Client) -> None:
    assert "Change password" in signed_in.get("/password/").content.decode()

    new = "battery staple 9"
    response = signed_in.post(
        "/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    )

    assert response.headers["Location"] == "/"
    assert log_in(Client(), new).status_code == 302


@pytest.mark.parametrize("address", ["/login/", "/password/", "/connections/", "/nothing-here/"])
def test_every_page_is_strict_about_what_it_loads(signed_in: Client, address: str) -> None:
    response = signed_in.get(address)

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    for forbidden in (" style=", "<style", "onclick=", "javascript:", "<script>", "http-equiv"):
        assert forbidden not in page


def test_navigation_marks_where_one_is(signed_in: Client) -> None:
    page = signed_in.get("/connections/new/").content.decode()
    bar = page.partition('class="topnav"')[2].partition("</nav>")[0]
    tabs = page.partition('class="tabs frame"')[2].partition("</nav>")[0]

    for links in (bar, tabs):
        assert links.count("aria-current") == 1
        assert '<a href="/connections/" aria-current="page">Connections</a>' in links


def test_an_unknown_host_name_is_refused_in_words(signed_in: Client) -> None:
    response = signed_in.get("/connections/", headers={"Host": "evil.example.com"})

    assert response.status_code == 400
    assert "ALLOWED_HOSTS" in response.content.decode()


def test_server_error_page_stands_alone(rf: RequestFactory) -> None:
    page = server_error(rf.get("/")).content.decode()

    assert "Something went wrong here" in page
    assert "{" not in page


def test_fragment_reports_expired_login(
    client: Client,
) -> None:
    page = "http://testserver/runs/42/?a=1"
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    response = client.get("/runs/42/progress/", headers=headers)

    assert response.status_code == 286  # htmx stops polling at this status
    assert response.headers["HX-Retarget"] == "#messages"
    page = response.content.decode()
    assert (
        'Your login has expired. <a href="/login/?next=/runs/42/%3Fa%3D1" target="_blank"' in page
    )
    assert "then go on here." in page
    headers["HX-Current-URL"] = "http://elsewhere.example/x"
    assert b'href="/login/?next=/"' in client.get("/runs/42/progress/", headers=headers).content


def test_behind_proxy_lock_uses_real_address(
    client: Client, user: User, settings: Settings
) -> None:
    settings.CWEXPORT_TRUSTED_PROXIES = 1
    for _ in range(10):
        wrong = {"username": "Admin1", "password": "wrong"}
        client.post("/login/", wrong, headers={"X-Forwarded-For": "198.51.100.1, 192.0.2.7"})
    right = {"username": "Admin1", "password": PASSWORD}
    locked = client.post("/login/", right, headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"})
    other = client.post("/login/", right, headers={"X-Forwarded-For": "192.0.2.7, 192.0.2.8"})

    assert (locked.status_code, other.status_code) == (429, 302)
