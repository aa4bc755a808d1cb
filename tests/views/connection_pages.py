"""What the tests of the connection pages type, store and look for."""

from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.utils.html import escape

from exports.models import Connection

PRIVATE_KEY = 'pK-"é&<9\\z'
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
TYPED = {
    "name": "Acme",
    "site": "na.myconnectwise.net",
    "company": "acme",
    "public_key": "AbCdEf",
    "private_key": PRIVATE_KEY,
    "client_id": CLIENT_ID,
    "parallel_requests": "4",
}
UNCHANGED = TYPED | {"private_key": ""}
NEW = "/connections/new/"


def saved_connection(**fields: Any) -> Connection:
    typed = {**TYPED, "site": "https://na.myconnectwise.net", **fields}
    private_key = typed.pop("private_key")
    connection = Connection(**typed)
    connection.write_private_key(private_key)
    connection.save()
    return connection


def edit_page(connection: Connection) -> str:
    return f"/connections/{connection.pk}/"


def errors_of(response: HttpResponse) -> dict[str, list[str]]:
    return dict(response.context["form"].errors)


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def stored(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def forms_of_the_key() -> set[str]:
    return {PRIVATE_KEY, escape(PRIVATE_KEY), PRIVATE_KEY.encode("unicode_escape").decode()}


def shows_the_key(response: HttpResponse) -> bool:
    page = response.content.decode() + str(response.headers) + " ".join(messages_of(response))
    return any(form in page for form in forms_of_the_key())
