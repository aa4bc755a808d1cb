"""No long part of the private key is shown, however a server encodes it (C3)."""

import html
import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from exports.connectwise.http.client import Credentials
from exports.connectwise.http.redaction import Redactor

from .clients import CREDENTIALS, ONCE, PRIVATE_KEY, client_of, failure
from .raw_server import RawServer, answer, closing, json_answer

KEY = PRIVATE_KEY
RAW = KEY.encode()
TOKEN = b64encode(b"acme+public:" + RAW).decode()

ENCODED = {
    "plain": KEY,
    "upper case": KEY.upper(),
    "percent, upper": quote(KEY, safe=""),
    "percent, lower": quote(KEY, safe="").lower(),
    "percent, only some": KEY.replace("&", "%26").replace("é", "%c3%a9"),
    "percent, all": "".join(f"%{byte:02x}" for byte in RAW),
    "percent, twice": quote(quote(KEY, safe=""), safe=""),
    "percent u": "".join(f"%u{ord(character):04x}" for character in KEY),
    "html": html.escape(KEY),
    "html, twice": html.escape(html.escape(KEY)),
    "html, named": html.escape(KEY).replace("é", "&eacute;"),
    "html, ASP.NET": html.escape(KEY).replace("é", "&#233;"),
    "html, decimal": "".join(f"&#{ord(character)};" for character in KEY),
    "html, hex": "".join(f"&#x{ord(character):X};" for character in KEY),
    "html in percent": quote("".join(f"&#{ord(character)};" for character in KEY), safe=""),
    "json": json.dumps(KEY),
    "json, twice": json.dumps(json.dumps(KEY)),
    "json, all": "".join(f"\\u{ord(character):04X}" for character in KEY),
    "backslash x": "".join(f"\\x{byte:02X}" for byte in RAW),
    "octal": "".join(f"\\{byte:03o}" for byte in RAW),
    "bytes of Python": repr(RAW),
    "hex": RAW.hex(),
    "hex, upper": RAW.hex().upper(),
    "hex, colons": RAW.hex(":"),
    "0x": " ".join(f"0x{byte:02x}" for byte in RAW),
    "numbers": str(list(RAW)),
    "quoted-printable": "".join(f"={byte:02X}" for byte in RAW),
    "base64": b64encode(RAW).decode(),
    "base64, URL": b64encode(RAW, b"-_").decode(),
    "base64, UTF-16": b64encode(KEY.encode("utf-16-le")).decode(),
    "token": TOKEN,
    "token in percent": quote(TOKEN, safe=""),
    "token in base64": b64encode(TOKEN.encode()).decode(),
    "token in hex": TOKEN.encode().hex(),
    "wrong charset": RAW.decode("latin-1"),
    "no charset": KEY.encode("ascii", "replace").decode(),
    "invisible between": "\u200b".join(KEY),
    "full width": "".join(
        chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in KEY
    ),
}


@pytest.mark.parametrize("form", ENCODED)
def test_encoded_key_is_removed(form: str) -> None:
    redacted = Redactor(KEY).redact(f"Bad call by {ENCODED[form]} today")

    assert redacted.startswith("Bad call by ")
    assert redacted.endswith("today")
    assert len(redacted) < len("Bad call by today") + 40
    assert "[removed]" in redacted


def test_half_a_key_is_removed() -> None:
    redactor = Redactor("A7xkQ2mV9LpR4tZw")

    assert redactor.redact("key A7xkQ2mV… and …9LpR4tZw") == "key [removed]… and …[removed]"


def test_innocent_text_stays() -> None:
    harmless = "The private key of the API member is wrong: 50%25 of &lt;b&gt; \\u0041 ?a=b70+c"

    assert Redactor(KEY, TOKEN).redact(harmless) == harmless


def test_short_key_is_removed_where_it_stands() -> None:
    assert Redactor("xy").redact("key xy, next") == "key [removed], next"


def test_long_text_is_cut() -> None:
    assert len(Redactor(KEY).redact("word " * 1_000_000)) <= 8_000


@pytest.mark.parametrize("form", ENCODED)
@pytest.mark.parametrize("status", [200, 302, 403, 500])
@pytest.mark.rule("C3")
def test_error_never_shows_an_echoed_key(form: str, status: int) -> None:
    echoed = ENCODED[form]
    in_header = quote(echoed, safe="%&;#=:, []\"'\\")
    headers = {"Location": f"/?{in_header}", "x-cw-request-id": in_header}
    reply = json_answer({"message": f"Bad call by {echoed} today"}, status, headers)
    with RawServer(reply) as server, client_of(server, retry=ONCE) as client:
        error = failure(client)

    assert echoed not in f"{error} {error!r} {error.request_id}"
    assert "today" in str(error)
    assert "[removed]" in str(error)


@pytest.mark.parametrize("form", ["plain", "html, decimal", "hex", "token"])
def test_company_and_version_never_show_an_echoed_key(form: str) -> None:
    company = {"CompanyID": "acme", "CompanyName": ENCODED[form], "VersionNumber": ENCODED[form]}
    page = answer(200, "[]", {"api-current-version": quote(ENCODED[form], safe="&#;")})
    with (
        RawServer(json_answer(company), page) as server,
        client_of(server, retry=ONCE) as client,
    ):
        found = client.company("acme")
        version = client.batches("", page_size=1).api_version

    assert found is not None
    assert (found.name, found.version, version) == ("[removed]",) * 3


def test_credentials_do_not_show_the_key() -> None:
    assert KEY not in repr(CREDENTIALS)
    assert TOKEN not in repr(Credentials("acme", "public", KEY, ""))


def test_broken_headers_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    broken = f"HTTP/1.1 500 X\r\nServer: x\r\n{TOKEN} no header\r\nContent-Length: 0\r\n\r\n"
    with (
        RawServer(closing(broken.encode())) as server,
        client_of(server, retry=ONCE) as client,
    ):
        failure(client)

    assert TOKEN not in caplog.text
