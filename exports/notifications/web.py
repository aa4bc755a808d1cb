"""Posts JSON to a web hook by our own transport: addresses judged, no redirects (rules C6, H1)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.errors import (
    AddressBlockedError,
    CertificateError,
    ConnectWiseError,
    StoppedError,
)
from exports.connectwise.http.redaction import Redactor
from exports.connectwise.http.remote_text import clean_text, message_in
from exports.connectwise.http.sites import SiteError
from exports.connectwise.http.transport import Limits, Response, Transport
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, joined
from exports.models.addresses import address_policy, read_callable_site
from exports.models.codes import ChannelErrorCode
from exports.notifications.errors import ChannelError, SendingStoppedError
from exports.product import user_agent

LIMITS: Final = Limits(connect=10, read=20, total=30, max_body_bytes=100_000)
_LONGEST_ANSWER: Final = 200


def read_hook(text: str) -> str:
    """The address of a web hook as it is called. Raises ValueError with a sentence."""
    url = text.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(_("This is no web address: it begins with https://.")) from None
    if parts.scheme not in ("https", "http") or not url.isascii() or not url.isprintable():
        raise ValueError(
            _("Type the whole address, as it was given to you: it begins with https://.")
        )
    if parts.fragment or "\\" in url or " " in url:
        raise ValueError(_("A web hook's address holds no #, blank or backslash: copy it anew."))
    try:
        site = read_callable_site(f"{parts.scheme}://{parts.netloc}")
    except (SiteError, AddressRefusedError) as error:
        raise ValueError(str(error)) from error
    query = f"?{parts.query}" if parts.query else ""
    return f"{site}{parts.path or '/'}{query}"


def host_of(url: str) -> str:
    """The host of an address whose path is a secret."""
    return urlsplit(url).hostname or ""


def post_json(
    url: str,
    payload: Mapping[str, Any],
    *,
    headers: Callable[[bytes], Mapping[str, str]] = lambda _body: {},
    is_over: Callable[[], bool],
    secrets: Sequence[str] = (),
) -> str:
    """Post and return what was answered, without `secrets`.

    Raises ChannelError, SendingStoppedError.
    """
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    sent = {"Content-Type": "application/json", "User-Agent": user_agent(), **headers(body)}
    host = host_of(url)
    transport = Transport(
        policy=address_policy(),
        stop=is_over,
        limits=LIMITS,
        ca_file=settings.CWEXPORT_CA_FILE or None,
        route=settings.CWEXPORT_ROUTE,
    )
    try:
        response = transport.post(url, sent, body, step="address")
    except StoppedError:
        raise SendingStoppedError from None
    except ConnectWiseError as error:
        raise _unsent(error, host) from None
    finally:
        transport.close()
    return _judge(response, host, Redactor(*secrets, *_secret_parts(url)))


def _secret_parts(url: str) -> list[str]:
    """What of the address a server must not echo into our pages."""
    parts = urlsplit(url)
    return [part for part in (*parts.path.split("/"), parts.query) if len(part) >= 8]


def _unsent(error: ConnectWiseError, host: str) -> ChannelError:
    """What kept the request from being answered, in the words of a channel."""
    first = _("%(problem)s.") % {"problem": error.problem}
    if isinstance(error, AddressBlockedError):
        return ChannelError(ChannelErrorCode.ADDRESS_BLOCKED, joined([first, error.advice]))
    if isinstance(error, CertificateError):
        return ChannelError(ChannelErrorCode.CERTIFICATE, joined([first, error.advice]))
    is_late = any(word in name for name in _causes(error) for word in ("Timeout", "Deadline"))
    code = ChannelErrorCode.NO_ANSWER if is_late else ChannelErrorCode.UNREACHABLE
    advice = _("Check the address of the channel, and that %(host)s can be reached from here.")
    return ChannelError(code, joined([first, advice % {"host": host}]))


def _causes(error: BaseException) -> list[str]:
    """The names of the errors below one, as libraries wrap them."""
    names: list[str] = []
    below: BaseException | None = error
    while below is not None and len(names) < 10:
        names.append(type(below).__name__)
        below = below.__cause__ or below.__context__
    return names


def _judge(response: Response, host: str, redactor: Redactor) -> str:
    said = clean_text(redactor.redact(message_in(response.body)), _LONGEST_ANSWER)
    params = {"host": host, "status": response.status, "said": said}
    if response.status // 100 == 2:
        answer = (
            _("%(host)s answered %(status)s: %(said)s")
            if said
            else _("%(host)s answered %(status)s.")
        )
        return answer % params
    first = (
        _("%(host)s answered %(status)s (“%(said)s”).")
        if said
        else _("%(host)s answered %(status)s.")
    ) % params
    for statuses, code, advice in _REFUSALS:
        if response.status in statuses:
            raise ChannelError(code, joined([first, _(advice)]))
    raise ChannelError(ChannelErrorCode.REFUSED, joined([first, _(_OTHER)]))


_OTHER = gettext_noop("Check the address of the channel, or make a new one on the other side.")
_REFUSALS: Final[tuple[tuple[range | tuple[int, ...], ChannelErrorCode, str], ...]] = (
    (
        range(300, 400),
        ChannelErrorCode.REDIRECTED,
        gettext_noop("Redirects are never followed: type the final address on the channel."),
    ),
    (
        (401, 403),
        ChannelErrorCode.LOGIN_REFUSED,
        gettext_noop("The address or its secret is not valid any more: enter it anew."),
    ),
    (
        (404, 410),
        ChannelErrorCode.REFUSED,
        gettext_noop("The web hook no longer exists there: make a new one and enter its address."),
    ),
    (
        (429,),
        ChannelErrorCode.THROTTLED,
        gettext_noop("The message is sent again later; there is nothing to do."),
    ),
    (
        range(500, 600),
        ChannelErrorCode.SERVER_FAILED,
        gettext_noop(
            "The message is sent again later; if that keeps failing, ask whoever runs the server."
        ),
    ),
)
