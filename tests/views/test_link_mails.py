"""One-time links by mail: sent while the admin waits, and shown in any case."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from tests.notifications.conftest import use_mail_server
from tests.notifications.sinks import MailSink, mail_sink
from tests.views.test_users import INVITE, invite, shown_link, signed_in

__all__ = ["signed_in"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailSink]:
    with mail_sink() as sink:
        use_mail_server(settings, sink.port)
        yield sink


@pytest.mark.rule("A2")
def test_invitation_is_mailed_with_its_link(signed_in: Client, mail_server: MailSink) -> None:
    assert "is also sent there" in signed_in.get(INVITE).content.decode()
    page = invite(signed_in, "kim@example.com")
    assert "The link was mailed to kim@example.com." in page

    assert mail_server.recipients == [["kim@example.com"]]
    [mail] = mail_server.mails
    body = mail.get_body(("plain",))
    assert body
    text = body.get_content()
    assert mail["Subject"] == "[cwexport] Your invitation to cwexport"
    assert "Admin1 invites you to cwexport" in text
    assert shown_link(page) in text


def test_mail_that_fails_leaves_the_link(signed_in: Client, mail_server: MailSink) -> None:
    mail_server.data_answer = "554 no such luck"
    page = invite(signed_in, "kim@example.com")

    assert "The mail to kim@example.com could not be sent." in page
    assert "no such luck" in page
    assert Client().get(shown_link(page)).status_code == 200


def test_invitation_by_name_sends_nothing(signed_in: Client, mail_server: MailSink) -> None:
    page = invite(signed_in, "Kim")

    assert shown_link(page)
    assert mail_server.recipients == []


def test_link_leads_to_the_public_address(signed_in: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.CWEXPORT_PUBLIC_URL = "https://cw.example.com"
    answer = signed_in.post(
        INVITE, {"person": "Kim", "role": "viewer"}, headers={"Host": "attacker.example"}
    )

    page = answer.content.decode()
    assert "https://cw.example.com/link/" in page
    assert "attacker.example" not in page
