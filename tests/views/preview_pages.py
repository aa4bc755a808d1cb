"""What the tests of the preview's pages share: here the pages do call the stand-in."""

from typing import Any

import pytest
from django.urls import reverse
from lxml.html import document_fromstring

from exports.connectwise.filter.conditions import Condition
from exports.connectwise.http.client import RetryPolicy
from exports.demo.server import StandIn
from exports.live_checks import preview
from exports.models import Connection, Task
from tests.conftest import make_connection

# The header that a browser adds when the link is on one of our own pages.
OUR_PAGE = {"sec-fetch-site": "same-origin"}
THE_SAMPLE = Condition("id", "Equal", "284")


@pytest.fixture
def connection(db: None, stand_in: StandIn) -> Connection:
    """A connection to the stand-in, as these pages do call it."""
    return make_connection(stand_in)


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "RETRY", RetryPolicy(tries=2, scale=0.001))


def url_of(task: Task) -> str:
    return reverse("task-preview", args=[task.pk])


def text_of(response: Any) -> str:
    """The text of the page, with blanks collapsed."""
    assert response.status_code == 200
    return " ".join(document_fromstring(shown_by(response)).text_content().split())


def shown_by(response: Any) -> bytes:
    """What stays on the page: before it, an answer in place tells its steps."""
    content: bytes = response.getvalue()
    return content.rpartition(b"\f")[2]
