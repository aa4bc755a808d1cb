"""Random requests that no browser sends, over real sockets to the whole product.

Addresses come from the installation's own patterns, the fields of forms from its own pages; then
numbers, encodings, headers and bodies go wrong.
"""

import json
import re
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

from tests.middleware.fuzzed_installation import CSRF_TOKEN, Installation, asked_paths
from tests.middleware.strange_requests import BODIES, CONTENT_TYPES, HEADERS, QUERIES

_TEXTS: Final = (
    *("", " ", "\0", "\x1b[2J", "\ud800", "\u202e", "\ufffe", "😀", "İ", "ß" * 300, "x" * 70_000),
    *("-1", "0", "1", "9" * 30, "9" * 5_000, "1e400", "NaN", "-0", "٣", "0x10", "1_000", "½", "+1"),
    *("null", "true", "[]", "{}", '{"a": ' * 500, "[" * 5_000, "'", '"', "\\", "%", "%00", "%s{0}"),
    *("0001-01-01", "9999-12-31", "2026-02-30", "2026-13-01T25:61", "2026-03-29 02:30", "24:00"),
    *("* * * * *", "0 0 31 2 *", "60 * * * *", "@daily", "*/0 * * * *", "L", "0 0 * * 1#9", "?"),
    *("Europe/Berlin", "../../etc/passwd", "Europe", "posixrules", "UTC\n", "a@b", "a@b\r\nBcc: c"),
    *("http://[", "https://a:99999/", "https://a/%zz", "ftp://a", "//", "https://[::1]:0"),
    *("a\r\nb", "{0}.xml"),
    *("batches.xml", "../x.xml", "con.xml", "{task}{", "{date:%}.xml", "a" * 300 + ".xml"),
)  # fmt: skip
_PARTS: Final = (
    *("0", "-1", "9" * 30, "9" * 5_000, "%00", "%ff", "%ED%A0%80", "%2e%2e", "%2F", "..", "a%20b"),
    *("٣", "1%0a", "sftp", "webhook", "x" * 3_000, "%zz", "%", ";x=1", "*", "1.0", "%F0%9F%98%80"),
)
_ENDS: Final = ("/", "//", "%00", "?", "#x", "%", "\xff", " x", "/../", "x" * 9_000)
_METHODS: Final = (
    *("GET",) * 5, *("POST",) * 7, "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "get",
    "PROPFIND", "X" * 300, "G\tT",
)  # fmt: skip


def random_request(random: Random, installation: Installation) -> bytes:
    method = random.choice(_METHODS)
    # Most pages take no POST, those with a form do.
    is_form = method == "POST" and random.random() < 0.8
    path = random.choice([*installation.forms] if is_form else asked_paths())
    target = f"/{re.sub('<[^>]+>', lambda _: _part(random, installation), path)}"
    if random.random() < 0.1:
        target += random.choice(_ENDS)
    if random.random() < 0.5:
        target += f"?{_query(random, path, installation)}"
    headers = _headers(random, path, installation)
    body = b"" if method in {"GET", "HEAD"} and random.random() < 0.9 else None
    if body is None:
        kind, body = _body(random, path, installation)
        headers.append(("Content-Type", kind))
    length = str(len(body)) if random.random() < 0.97 else random.choice(("0", "-1", "x", "9" * 30))
    headers.append(("Content-Length", length))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


def _part(random: Random, installation: Installation) -> str:
    return str(installation.pk) if random.random() < 0.75 else random.choice(_PARTS)


def _headers(random: Random, path: str, installation: Installation) -> list[tuple[str, str]]:
    headers = [("Host", "localhost"), ("Connection", "close")]
    if path.startswith("api/"):
        headers.append(("Authorization", f"Bearer {installation.token}"))
        if random.random() < 0.3:
            headers.append(("Idempotency-Key", random.choice(_TEXTS)))
    elif random.random() < 0.9:
        headers += [("Cookie", installation.cookie), ("X-CSRFToken", CSRF_TOKEN)]
    if random.random() < 0.3:
        headers.append(("HX-Request", "true"))
    if random.random() < 0.3:
        headers += random.choice(HEADERS).items()
    return [(name, value.replace("\r", "").replace("\n", "")[:200_000]) for name, value in headers]


def _query(random: Random, path: str, installation: Installation) -> str:
    if random.random() < 0.5:
        return random.choice(QUERIES)
    return _encoded(random, _wrong_fields(random, path, installation))


def _wrong_fields(random: Random, path: str, installation: Installation) -> list[tuple[str, str]]:
    """The fields of the form there, or of any, of which some hold something else."""
    forms = installation.forms
    fields = list(forms.get(path) or random.choice(list(forms.values())) or [("a", "b")])
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        at = random.randrange(len(fields))
        name, value = fields[at]
        change = random.random()
        if change < 0.75:
            fields[at] = (name, random.choice(_TEXTS))
        elif change < 0.85:
            fields.append((name, random.choice(_TEXTS)))
        elif change < 0.95:
            del fields[at : at + len(fields) // 3]
            fields = fields or [("a", "b")]
        else:
            fields[at] = (random.choice(_TEXTS), value)
    return [*fields, ("csrfmiddlewaretoken", CSRF_TOKEN)]


def _encoded(random: Random, fields: list[tuple[str, str]]) -> str:
    text = urlencode(fields, errors="surrogatepass")
    if random.random() < 0.1:
        at = random.randrange(len(text) + 1)
        return text[:at] + random.choice(("%", "%zz", "%ff", "%00", "&&", "=")) + text[at:]
    return text


def _body(random: Random, path: str, installation: Installation) -> tuple[str, bytes]:
    choice = random.random()
    if choice < 0.15:
        return random.choice(CONTENT_TYPES), random.choice(BODIES)
    fields = _wrong_fields(random, path, installation)
    if path.startswith("api/") or choice < 0.2:
        return "application/json", _json(random)
    if choice < 0.9:
        return "application/x-www-form-urlencoded", _encoded(random, fields).encode()
    return "multipart/form-data; boundary=x", _multipart(random, fields)


def _json(random: Random) -> bytes:
    names = ("task", "reason", "ids", "limit", "destinations", "destination", "cursor", "x", "")
    values: tuple[Any, ...] = (None, True, -1, 10**40, 1.5, [], {}, [None], *_TEXTS)
    sent = {random.choice(names): random.choice(values) for _ in range(random.randrange(4))}
    text = json.dumps(sent)
    wrong = (text, text, text[:-1], "", "NaN", "[" * 10_000, '"\\ud800"', "\ufeff{}", '{"a":1e999}')
    return random.choice(wrong).encode("utf-8", "surrogatepass")


def _multipart(random: Random, fields: list[tuple[str, str]]) -> bytes:
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (quote(name, errors="surrogatepass").encode(), value.encode("utf-8", "surrogatepass"))
        for name, value in fields
    )
    ends = (b"--x--", b"--x", b"", b"--x\r\nContent-Disposition: form-data\r\n\r\n", b"\xff--x--")
    return parts + random.choice(ends)
