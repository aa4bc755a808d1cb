"""Log lines: what they are about, one record a line, no secret in any spelling."""

import base64
import json
import logging
import sys
from collections.abc import Callable
from urllib.parse import quote

import pytest

from exports.logs.context import log_context
from exports.logs.formats import JsonFormatter, LineFormatter
from exports.logs.scrubbing import Scrubber
from exports.models.secrets import decrypt, encrypt

pytestmark = pytest.mark.rule("I4")
KEY = 'pK-9z"ä\\ +/&<x>…7'
FORMATTERS = [LineFormatter, JsonFormatter]


def record(message: str, *args: object, error: Exception | None = None) -> logging.LogRecord:
    caught = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("exports.x", logging.INFO, "x.py", 1, message, args, caught)


def raised(text: str) -> Exception:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_line_says_what_it_is_about() -> None:
    with log_context(run=42, task="Nightly batches", user=lambda: None):
        line = LineFormatter().format(record("%s pages", 3))

    assert line.endswith('INFO exports.x 3 pages [run=42 task="Nightly batches"]')
    assert LineFormatter().format(record("after")).endswith("exports.x after")


def test_json_has_the_same_names_always() -> None:
    with log_context(run=42, task="Nightly batches", user=lambda: "ann", request_id="ab12"):
        found = json.loads(JsonFormatter().format(record("%s pages", 3, error=raised("no"))))

    assert list(found)[:4] == ["time", "level", "logger", "message"]
    assert (found["level"], found["logger"], found["message"]) == ("INFO", "exports.x", "3 pages")
    assert found["time"].endswith("+00:00")
    about = {name: found[name] for name in ("run", "task", "user", "request_id")}
    assert about == {"run": 42, "task": "Nightly batches", "user": "ann", "request_id": "ab12"}
    assert "ValueError: no" in found["exc_info"]


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_sent_text_makes_no_line(formatter: type[logging.Formatter]) -> None:
    text = "a\n2026-01-01 00:00:00 INFO forged\r\x1b[2J\u2028b"
    with log_context(user=f"x\n{text}"):
        line = formatter().format(record("Not found: %s", text))

    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_sent_text_in_a_traceback_makes_no_line() -> None:
    error = raised("a\n2026-01-01 00:00:00 ERROR exports forged\r\x1b[2J\u2028b")

    first, *others = LineFormatter().format(record("Failed", error=error)).splitlines()

    assert first.endswith("Failed")
    assert [line for line in others if not line.startswith("  ")] == []
    assert "\x1b" not in "".join(others)
    assert "  ValueError: a" in others


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "repr": repr,
    "bytes": lambda key: repr(key.encode()),
    "ascii": ascii,
    "json": json.dumps,
    "address": lambda key: quote(key, safe=""),
    "base64": lambda key: base64.b64encode(f"acme+AbCdEf:{key}".encode()).decode(),
    "base64 of an address": lambda key: base64.urlsafe_b64encode(f"xy:{key}".encode()).decode(),
    "hex": lambda key: key.encode().hex(),
}


@pytest.mark.rule("C3")
@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_secrets_are_taken_out_by_value(formatter: type[logging.Formatter], spelling: str) -> None:
    assert decrypt(encrypt(KEY)) == KEY
    text = SPELLINGS[spelling](KEY)
    line = formatter().format(record("told %s", text, error=raised(f"at {text} here")))

    inner = text.strip("'\"b")[4:-4]
    assert inner not in line
    assert json.dumps(inner)[1:-1] not in line
    assert line.count("[removed]") == 2


def test_each_part_of_a_stored_secret_is_known() -> None:
    scrubber = Scrubber()
    key = "-----BEGIN KEY-----\n" + "Q7xk" * 16 + "\n" + "mV9L" * 16 + "\n-----END KEY-----\n"
    scrubber.remember(json.dumps({"password": "hunter22", "private_key": key, "port": 22}))

    text = f"login with hunter22 or {'Q7xk' * 16} then {'mV9L' * 16}, port 22"
    assert scrubber.scrub(text) == "login with [removed] or [removed] then [removed], port 22"
    assert scrubber.scrub("nothing here") == "nothing here"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Authorization: Bearer cwx_abcdefghijkl", "Authorization: Bearer [removed]"),
        ("'basic QWxhZGRpbjpvcGVu'", "'basic [removed]'"),
        ("smtp://user:pass word", "smtp://user:pass word"),
        ("see postgres://cw:hunter2@db:5432/cw", "see postgres://cw:[removed]@db:5432/cw"),
        ("the basic idea", "the basic idea"),
    ],
)
def test_what_logs_in_is_taken_out(text: str, scrubbed: str) -> None:
    assert Scrubber().scrub(text) == scrubbed


def test_many_secrets_stay_quick() -> None:
    scrubber = Scrubber()
    scrubber.remember(*(f"secret number {number}" for number in range(1_200)))

    assert scrubber.scrub("secret number 1199") == "[removed]"
    assert scrubber.scrub("secret number 3x") != "[removed]x"  # the oldest were let go
    assert sys.getsizeof(scrubber.scrub("x" * 10_000)) > 10_000
