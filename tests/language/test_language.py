"""Everything a person can read is translated."""

import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import IncompleteRead
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.utils import translation
from urllib3.exceptions import DecodeError

from exports.connectwise import language
from exports.connectwise.batch_fields import FIELD_TYPES, FieldType
from exports.connectwise.filter import conditions, literals
from exports.connectwise.filter.conditions import Condition, ConditionError
from exports.connectwise.http.addresses import AddressPolicy, AddressRefusedError
from exports.connectwise.http.errors import (
    AnswerTooLargeError,
    ConnectWiseError,
    StoppedError,
)
from exports.connectwise.http.network_errors import own_error
from exports.connectwise.http.sites import Site, SiteError, parse_site
from exports.connectwise.http.sockets import DeadlineError
from exports.connectwise.http.statuses import error_for_status
from exports.connectwise.http.urls import UrlTooLongError, check_url_length
from exports.connectwise.json_numbers import JSONShapeError, decode_json, record_id
from exports.connectwise.paging.keyset import PagingError, new_records
from exports.connectwise.xml.writer import RecordError
from tests.connectwise.http.clients import client_of, failure
from tests.connectwise.http.raw_server import RawServer, answer
from tests.messages import ROOT


@pytest.fixture
def marked() -> Iterator[None]:
    """Translations are put between angle quotes, and every number gets a #."""
    language.speak(
        lambda message: f"«{message}»",
        lambda one, many, count: f"«{one if count == 1 else many}»",
        lambda number: f"#{number}",
    )
    yield
    apps.get_app_config("exports").ready()


def outside_of_marks(text: str) -> str:
    """The text between the translated sentences, without blanks."""
    while (inner := re.sub(r"«[^«»]*»", "", text)) != text:
        text = inner
    return text.strip()


def test_core_speaks_english_without_django() -> None:
    program = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "django":
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from exports.connectwise import language
from exports.connectwise.http.errors import StoppedError
print(StoppedError(step="batches"), language.grouped(12345), language.ngettext("1", "n", 2))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == (
        "Reading batches: stopped, as asked. Start it again when it suits. 12,345 n\n"
    )


def test_the_core_speaks_the_language_of_the_installation() -> None:
    assert language.grouped(12345) == "12,345"
    with translation.override("de"):
        assert language.grouped(12345) == "12.345"


def network_failures() -> list[ConnectWiseError]:
    expired = ssl.SSLCertVerificationError("certificate verify failed")
    expired.verify_message = "certificate has expired"
    below: list[Exception] = [
        AddressRefusedError("«refused»"),
        DecodeError("not gzip"),
        expired,
        DeadlineError(180),
        IncompleteRead(b""),
        socket.gaierror(),
        ConnectionRefusedError(),
        ConnectionResetError(),
        TimeoutError(),
        ssl.SSLError(),
        OSError(5, "Input/output error"),
    ]
    return [own_error(error, host="cw.example.com", step="count") for error in below]


def answered_failures() -> list[ConnectWiseError]:
    statuses = (204, 302, 400, 401, 403, 404, 418, 429, 500, 503)
    failed = [
        error_for_status(
            status,
            step="batches",
            is_cloud=is_cloud,
            remote_message="Not now",
            location="https://elsewhere.example.com",
        )
        for status in statuses
        for is_cloud in (False, True)
    ]
    for error in failed:
        error.attempt_count = 5
    return failed


def subclasses(kind: type[ConnectWiseError]) -> set[type[ConnectWiseError]]:
    return {kind}.union(*(subclasses(below) for below in kind.__subclasses__()))


@pytest.mark.usefixtures("marked")
def test_request_failures_are_translated() -> None:
    large = RawServer(answer(body=b"[" + b" " * 200_000 + b"]"))
    with large, client_of(large) as client:
        too_large = failure(client)
    made = [*answered_failures(), *network_failures(), StoppedError(step="company"), too_large]

    assert {type(error) for error in made} == subclasses(ConnectWiseError) - {ConnectWiseError}
    assert isinstance(too_large, AnswerTooLargeError)
    assert [str(error) for error in made if outside_of_marks(str(error))] == []


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ftp://cw.example.com",
        "http://cw.example.com",
        "cw example.com",
        "cw.example.com?x",
        "user@cw.example.com",
        "cw.example.com:0",
        "[2001:db8::1",
        "[2001:db8::g]",
        "a..b",
        "1.2.3.4.5",
        "straße.example.com",
    ],
)
def test_site_errors_are_translated(typed: str) -> None:
    with pytest.raises(SiteError) as refused:
        parse_site(typed, allow_http=False)
    assert outside_of_marks(str(refused.value)) == ""


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("0.0.0.0", "https"),
        ("169.254.169.254", "https"),
        ("::ffff:127.0.0.1", "https"),
        ("10.0.0.1", "https"),
        ("4000::1", "https"),
        ("1.1.1.1", "http"),
    ],
)
def test_every_address_is_refused_in_the_language_spoken(address: str, scheme: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        AddressPolicy().check(address, scheme=scheme)
    assert outside_of_marks(str(refused.value)) == ""


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(
    "row",
    [
        ("", "Equal", "1"),
        ("externalId", "Equal", "1"),
        ("not", "Equal", "1"),
        ("1st", "Equal", "1"),
        ("id", "", "1"),
        ("id", "equals", "1"),
        ("id", "Contains", '"1"'),
        ("id", "Equal", "two"),
        ("id", "Equal", "(1)"),
        ("id", "Equal", "9" * 41),
        ("id", "GreaterThan", ""),
        ("id", "In", "(1, two)"),
        ("id", "In", "1"),
        ("id", "In", "()"),
        ("id", "In", "(1,)"),
        ("id", "In", "(null)"),
        ("id", "In", "((1))"),
        ("id", "In", '("1")'),
        ("unheardOf", "In", '(1, "a")'),
        ("batchIdentifier", "Equal", "John"),
        ("batchIdentifier", "Equal", '"John'),
        ("batchIdentifier", "Equal", 'John"'),
        ("batchIdentifier", "Equal", '"a"b"'),
        ("batchIdentifier", "Equal", '"a\\b"'),
        ("batchIdentifier", "Equal", '"a\nb"'),
        ("lastUpdated", "Equal", "[31/01/2000]"),
        ("lastUpdated", "Equal", "[2001-02-29]"),
        ("lastUpdated", "Equal", "[1752-01-01]"),
        ("closedFlag", "Equal", "yes"),
        ("id", "Equal", "1", "xor"),
    ],
)
def test_every_condition_is_refused_in_the_language_spoken(row: tuple[str, ...]) -> None:
    with pytest.raises(ConditionError) as refused:
        conditions.check(Condition(*row), FIELD_TYPES)
    assert outside_of_marks(str(refused.value)) == ""


@pytest.mark.usefixtures("marked")
def test_filter_description_is_translated() -> None:
    rows = [
        Condition("exportInvoicesFlag", "Equal", "true", "Or"),
        Condition("batchIdentifer", "Like", '"2026*"'),
        Condition("id", "GreaterThanOrEqual", "284"),
    ]
    params = [conditions.in_words(rows, FIELD_TYPES), conditions.in_words([], FIELD_TYPES)]
    params += conditions.warnings_for(rows[1], FIELD_TYPES)

    assert [outside_of_marks(sentence) for sentence in params] == [""] * 3
    assert params[0].startswith("«batches where «exportInvoicesFlag is True» «or» («")
    # What is sent to ConnectWise is not translated.
    assert conditions.render(rows, FIELD_TYPES) == (
        'exportInvoicesFlag = True or (batchIdentifer like "2026*" and id >= 284)'
    )


def refuse_a_list_of_nothing() -> None:
    literals.parse_list("()", FieldType.TEXT)


def refuse_broken_json() -> None:
    decode_json(b"<html>")


def refuse_a_record_without_id() -> None:
    record_id({"id": "12"})


def refuse_ids_out_of_order() -> None:
    new_records(SimpleNamespace(ids=[3, 2], records=[{}, {}]), 0)


def refuse_a_flag_that_is_none() -> None:
    raise RecordError(284, "closedFlag", "true, false or null", [])


def refuse_a_long_filter() -> None:
    check_url_length(Site("https", "cw.example.com"), "x" * 3000, 1000)


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(
    ("refuse", "kind"),
    [
        (refuse_a_list_of_nothing, literals.LiteralError),
        (refuse_broken_json, JSONShapeError),
        (refuse_a_record_without_id, JSONShapeError),
        (refuse_ids_out_of_order, PagingError),
        (refuse_a_flag_that_is_none, RecordError),
        (refuse_a_long_filter, UrlTooLongError),
    ],
)
def test_other_errors_are_translated(refuse: Callable[[], None], kind: type[Exception]) -> None:
    with pytest.raises(kind) as refused:
        refuse()
    assert outside_of_marks(str(refused.value)) == ""
