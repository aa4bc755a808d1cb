"""The endpoints: who calls, what is asked, and the correct answer. Faults are added elsewhere."""

import re
import time
from email.message import Message
from urllib.parse import parse_qsl, unquote

from exports.demo import answers
from exports.demo.account import Account, refusal_of_caller
from exports.demo.answers import Answer, Request, error_answer, json_answer, text_answer
from exports.demo.comparisons import Condition
from exports.demo.conditions import ConditionsError, parse_conditions
from exports.demo.paging import PagingError, link_header, read_paging
from exports.demo.records import entries_of
from exports.demo.store import Store

BASE_PATH = "/v4_6_release/apis/3.0"
LONGEST_URL = 2000
_BATCHES = re.escape(f"{BASE_PATH}/finance/accounting/batches")
_ROUTES = [
    (answers.LIST, re.compile(_BATCHES)),
    (answers.COUNT, re.compile(f"{_BATCHES}/count")),
    (answers.ONE, re.compile(rf"{_BATCHES}/([0-9]{{1,18}})")),
    (answers.ENTRIES, re.compile(rf"{_BATCHES}/([0-9]{{1,18}})/entries")),
    (answers.ENTRY, re.compile(rf"{_BATCHES}/([0-9]{{1,18}})/entries/([0-9]{{1,18}})")),
    (answers.ENTRIES_COUNT, re.compile(rf"{_BATCHES}/([0-9]{{1,18}})/entries/count")),
    (answers.SYSTEM, re.compile(re.escape(f"{BASE_PATH}/system/info"))),
    (answers.COMPANY, re.compile(r"/login/companyinfo/([^/]*)")),
]
_NOT_OFFERED = ("childConditions", "customFieldConditions", "fields", "pageId")


def read_request(
    method: str, target: str, headers: "Message[str, str]", own_address: str
) -> Request:
    """The call, however malformed; `malformed` says what is wrong with its query."""
    path, _, query_text = target.partition("?")
    malformed = ""
    try:
        pairs = parse_qsl(query_text, keep_blank_values=True, errors="strict")
    except ValueError:
        pairs, malformed = [], "The query is not UTF-8."
    query = dict(pairs)
    if len(query) < len(pairs):
        malformed = "A parameter is given twice."
    endpoint, arguments = _route(path)
    url = f"{own_address}{target}"
    at = time.monotonic()
    return Request(method, path, query, headers, at, endpoint, url, arguments, malformed)


def answer(request: Request, account: Account, store: Store) -> Answer:
    """The answer of a ConnectWise without faults."""
    refusal = _refusal(request, account)
    if refusal:
        return refusal
    if request.endpoint == answers.COMPANY:
        return json_answer(_company(unquote(request.arguments[0]), account))
    if request.endpoint == answers.SYSTEM:
        return _system(account)
    try:
        return _batches_answer(request, account, store)
    except (ConditionsError, PagingError) as error:
        return error_answer(400, "InvalidObject", f"The request is invalid: {error}.")


def _route(path: str) -> tuple[str, tuple[str, ...]]:
    for endpoint, pattern in _ROUTES:
        match = pattern.fullmatch(path)
        if match:
            return endpoint, match.groups()
    return answers.ELSEWHERE, ()


def _refusal(request: Request, account: Account) -> Answer | None:
    refusal = _refusal_of_call(request)
    if refusal or request.endpoint == answers.COMPANY:
        return refusal
    inside = request.path.removeprefix(f"{BASE_PATH}/")
    if inside == request.path or "/apis/" in f"/{inside}":
        return _no_such_codebase(request.path)
    return refusal_of_caller(request.headers, account) or _refusal_of_question(request)


def _refusal_of_call(request: Request) -> Answer | None:
    if request.method != "GET":
        refusal = error_answer(405, "MethodNotAllowed", f"{request.method} is not supported here.")
        refusal.headers["Allow"] = "GET"
        return refusal
    if len(request.url) >= LONGEST_URL:
        return text_answer(414, f"The URL is {len(request.url)} characters long.")
    return None


def _no_such_codebase(path: str) -> Answer:
    if "/apis/" in path:
        return text_answer(400, "Cannot route. Codebase/company is invalid")
    return text_answer(404, "<h1>404 - File or directory not found.</h1>", "text/html")


def _refusal_of_question(request: Request) -> Answer | None:
    if request.endpoint == answers.ELSEWHERE:
        return error_answer(404, "NotFound", f"No resource at {request.path}.")
    if request.malformed:
        return error_answer(400, "InvalidObject", request.malformed)
    for name in _NOT_OFFERED:
        if name in request.query:
            # Ignoring it would answer a different question.
            return error_answer(400, "InvalidObject", f"{name} is not offered by the stand-in.")
    return None


def _company(company: str, account: Account) -> dict[str, object] | None:
    if company.lower() != account.company.lower():
        return None
    return {
        "CompanyName": account.company,
        "Codebase": "v4_6_release/",
        "VersionCode": f"v{answers.API_VERSION}",
        "VersionNumber": f"v{answers.API_VERSION}.12345",
        "CompanyID": account.company,
        "IsCloud": account.cloud,
    }


def _system(account: Account) -> Answer:
    if account.system_info_forbidden:
        message = "You do not have security permission to perform this action."
        return error_answer(403, "Security", message)
    return json_answer(
        {
            "version": f"v{answers.API_VERSION}.12345",
            "isCloud": account.cloud,
            "serverTimeZone": "Etc/UTC",
            "licenseBits": [{"name": "Accounting", "activeFlag": True}],
            "cloudRegion": "NA",
            "maxWorkFlowRecordsAllowed": 100,
        }
    )


def _batches_answer(request: Request, account: Account, store: Store) -> Answer:
    lenient = account.lenient_precedence
    condition = parse_conditions(request.query.get("conditions", ""), lenient_precedence=lenient)
    if request.endpoint == answers.LIST:
        return _list(request, condition, store)
    if request.endpoint == answers.COUNT:
        return Answer(count=store.count(condition))
    return _one(request, condition, store)


def _one(request: Request, condition: Condition, store: Store) -> Answer:
    """One batch, its entries, one entry, or the number of entries."""
    batch_id, *entry_ids = map(int, request.arguments)
    try:
        row = store.row(batch_id)
        entries = entries_of(batch_id)
        for entry_id in entry_ids:
            row = entries.row(entry_id)
    except KeyError as missing:
        return error_answer(404, "NotFound", f"There is no record {missing}.")
    if request.endpoint == answers.ENTRIES:
        return _list(request, condition, entries)
    if request.endpoint == answers.ENTRIES_COUNT:
        return Answer(count=entries.count(condition))
    return Answer(content=row.body)


def _list(request: Request, condition: Condition, store: Store) -> Answer:
    paging = read_paging(request.query, request.max_page_size)
    # One row more than fits shows whether there is a next page, without counting all.
    rows = store.select(condition, paging.order, paging.offset, paging.page_size + 1)
    total = store.count(condition) if condition.exact else None
    has_next = len(rows) > paging.page_size
    url = request.url.partition("?")[0]
    link = link_header(url, request.query, paging, has_next=has_next, total=total)
    return Answer(headers={"Link": link} if link else {}, rows=rows[: paging.page_size])
