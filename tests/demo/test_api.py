"""Each endpoint over real HTTP: who is accepted, what is answered, what is refused."""

import email.utils
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from exports.demo.account import Account
from exports.demo.records import SAMPLE_BATCH
from exports.demo.server import StandIn
from tests.demo.asking import BATCHES, ask, credentials

INVALID_LOGIN = {
    "code": "Unauthorized",
    "message": "Provided login credentials are invalid.",
    "errors": None,
}


def test_list_gives_25_batches_with_headers(stand_in: StandIn) -> None:
    reply = ask(stand_in)
    assert reply.status == 200
    assert reply.json == stand_in.store.records[:25]
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["api-current-version"] == "2025.8"
    assert re.fullmatch(r"[0-9a-f-]{36}", reply.headers["x-cw-request-id"])
    sent_at = email.utils.parsedate_to_datetime(reply.headers["Date"])
    assert abs(datetime.now(UTC) - sent_at) < timedelta(seconds=60)


def test_conditions_and_order_are_obeyed(stand_in: StandIn) -> None:
    reply = ask(
        stand_in,
        conditions="(exportInvoicesFlag = True) and id > 100",
        orderBy="id desc",
        pageSize=1000,
    )
    expected = [
        record
        for record in reversed(stand_in.store.records)
        if record.get("exportInvoicesFlag") and record["id"] > 100
    ]
    assert len(expected) > 10
    assert reply.json == expected


def test_a_list_can_be_ordered_by_several_fields(stand_in: StandIn) -> None:
    reply = ask(stand_in, orderBy="closedFlag desc, lastUpdated", pageSize=1000)
    expected = sorted(stand_in.store.records, key=lambda record: record["_info"]["lastUpdated"])
    expected.sort(key=lambda record: {None: 0, False: 1, True: 2}[record.get("closedFlag")])
    top = [record["id"] for record in expected if record.get("closedFlag")]
    assert reply.ids[: len(top)] == top


def test_the_count_takes_the_same_conditions(stand_in: StandIn) -> None:
    assert ask(stand_in, f"{BATCHES}/count").body == b'{"count":120}'
    reply = ask(stand_in, f"{BATCHES}/count", conditions='batchIdentifier like "2019101517*"')
    assert reply.json == {"count": 1}


def test_one_batch_and_its_entries(stand_in: StandIn) -> None:
    assert ask(stand_in, f"{BATCHES}/284").json == SAMPLE_BATCH
    entries = ask(stand_in, f"{BATCHES}/284/entries")
    assert entries.ids == [2840, 2841, 2842]
    assert b'"credit":384.000000' in entries.body
    assert ask(stand_in, f"{BATCHES}/284/entries/2841").json == entries.json[1]
    reply = ask(stand_in, f"{BATCHES}/284/entries/count", conditions='accountType = "AR"')
    assert reply.json == {"count": 1}


@pytest.mark.parametrize(
    "path",
    ["/999999", "/999999/entries", "/999999/entries/count", "/284/entries/999999"],
)
def test_no_such_batch_or_entry_is_a_404(stand_in: StandIn, path: str) -> None:
    reply = ask(stand_in, BATCHES + path)
    assert reply.status == 404
    assert reply.json["message"] == "There is no record 999999."


def test_company_info_needs_no_credentials(stand_in: StandIn) -> None:
    reply = ask(stand_in, "//login/companyinfo/Demo", headers={})
    assert reply.json == {
        "CompanyName": "demo",
        "Codebase": "v4_6_release/",
        "VersionCode": "v2025.8",
        "VersionNumber": "v2025.8.12345",
        "CompanyID": "demo",
        "IsCloud": False,
    }
    unknown = ask(stand_in, "//login/companyinfo/nobody", headers={})
    assert (unknown.status, unknown.body) == (200, b"null")


def test_system_info_can_be_refused_alone(stand_in: StandIn) -> None:
    assert ask(stand_in, "/system/info").json["version"] == "v2025.8.12345"
    stand_in.account = Account(system_info_forbidden=True)
    refused = ask(stand_in, "/system/info")
    assert refused.status == 403
    assert refused.json == {
        "code": "Security",
        "message": "You do not have security permission to perform this action.",
        "errors": None,
    }
    assert ask(stand_in).status == 200


@pytest.mark.parametrize("client_id", ["", "11111111-2222-3333-4444-555555555555"])
def test_bad_client_id_is_a_400(stand_in: StandIn, client_id: str) -> None:
    reply = ask(stand_in, headers=credentials() | {"clientId": client_id})
    assert (reply.status, reply.json["code"]) == (400, "ClientId")


@pytest.mark.parametrize(
    "wrong",
    [
        Account(private_key="demoprivatekey"),
        Account(public_key="Other"),
        Account(private_key="DemoPrivateKey:"),
        Account(company=""),
    ],
)
def test_wrong_keys_are_a_401_or_404(stand_in: StandIn, wrong: Account) -> None:
    headers = credentials(wrong)
    reply = ask(stand_in, headers=headers)
    assert (reply.status, reply.json) == (401, INVALID_LOGIN)
    stand_in.account = Account(cloud=True)
    assert ask(stand_in, headers=headers).status == 404


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic ???", "Bearer eA==", "Basic /w=="])
def test_unreadable_credentials_are_a_401(stand_in: StandIn, authorization: str) -> None:
    reply = ask(stand_in, headers=credentials() | {"Authorization": authorization})
    assert (reply.status, reply.json) == (401, INVALID_LOGIN)


def test_an_unknown_company_is_a_404(stand_in: StandIn) -> None:
    reply = ask(stand_in, headers=credentials(Account(company="other")))
    assert (reply.status, reply.json["message"]) == (404, "Company 'other' not found.")


def test_other_credentials_can_be_asked_for(stand_in: StandIn) -> None:
    stand_in.account = Account("acme", "pub+lic", 'pK-"é&<9\\z:', "c" * 36)
    assert ask(stand_in, headers=credentials(stand_in.account)).status == 200
    assert ask(stand_in).status == 400


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"page": "0"}, "page must be a whole number from 1, not '0'"),
        ({"page": "1e3"}, "page must be a whole number from 1, not '1e3'"),
        ({"page": "9" * 30}, f"page must be a whole number from 1, not '{'9' * 30}'"),
        ({"pageSize": "-5"}, "pageSize must be a whole number from 1, not '-5'"),
        ({"pageSize": ""}, "pageSize must be a whole number from 1, not ''"),
        ({"orderBy": "id up"}, "orderBy must be 'field asc' or 'field desc', not 'id up'"),
        ({"orderBy": "id asc,"}, "orderBy must be 'field asc' or 'field desc', not ''"),
        (
            {"conditions": "id >"},
            "expected a value (text in quotes, a number, True, False, null or "
            "[a date]), not the end, at position 5",
        ),
        (
            {"conditions": "id=1 or id=2 and id=3"},
            "'and' and 'or' are mixed without brackets at position 14",
        ),
    ],
)
def test_invalid_request_is_an_explained_400(
    stand_in: StandIn, query: dict[str, str], message: str
) -> None:
    reply = ask(stand_in, f"{BATCHES}?{urlencode(query)}")
    assert reply.status == 400
    assert reply.json == {
        "code": "InvalidObject",
        "message": f"The request is invalid: {message}.",
        "errors": None,
    }


def test_a_lenient_server_reads_and_before_or(stand_in: StandIn) -> None:
    stand_in.account = Account(lenient_precedence=True)
    assert ask(stand_in, conditions="id = 284 or id = 1 and id = 2").ids == [284]


def test_unsupported_parameters_are_refused(stand_in: StandIn) -> None:
    assert ask(stand_in, fields="id").json["message"] == "fields is not offered by the stand-in."
    twice = ask(stand_in, f"{BATCHES}?page=1&page=2")
    assert (twice.status, twice.json["message"]) == (400, "A parameter is given twice.")
    not_text = ask(stand_in, f"{BATCHES}?conditions=%ff")
    assert (not_text.status, not_text.json["message"]) == (400, "The query is not UTF-8.")


@pytest.mark.parametrize(
    "path",
    [
        "//v4_6_release/apis/3.0/v4_6_release/apis/3.0/finance/accounting/batches",
        "//v2019_1/apis/3.0/finance/accounting/batches",
    ],
)
def test_wrong_codebase_is_a_plain_400(stand_in: StandIn, path: str) -> None:
    reply = ask(stand_in, path)
    assert (reply.status, reply.body) == (400, b"Cannot route. Codebase/company is invalid")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_other_paths_are_a_404(stand_in: StandIn) -> None:
    assert ask(stand_in, "/finance/invoices").json["code"] == "NotFound"
    assert ask(stand_in, f"{BATCHES}/abc").status == 404
    page = ask(stand_in, "//")
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_a_405(stand_in: StandIn, method: str) -> None:
    reply = ask(stand_in, method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET")
    assert len(stand_in.store) == 120


def test_a_url_of_2000_characters_is_too_long(stand_in: StandIn) -> None:
    start = f"{stand_in.url}/v4_6_release/apis/3.0{BATCHES}?conditions=%20"
    longest = "%20" + "+" * (1999 - len(start))
    assert ask(stand_in, f"{BATCHES}?conditions={longest}").status == 200
    assert ask(stand_in, f"{BATCHES}?conditions={longest}+").status == 414
