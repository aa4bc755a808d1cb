"""Turns an HTTP status into an error with advice (H3)."""

from __future__ import annotations

from typing import Final

from exports.connectwise.http.errors import (
    AuthenticationError,
    ConnectWiseError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
    ServerFailedError,
    ThrottledError,
    WrongShapeError,
)
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop


def error_for_status(
    status: int,
    *,
    step: str,
    is_cloud: bool,
    remote_message: str = "",
    request_id: str = "",
    location: str = "",
    is_web_page: bool = False,
) -> ConnectWiseError:
    """The error for a response other than 200, by its status alone, never by its `code`.

    `location` is the target of a redirect; with `is_web_page` the body is not ConnectWise's.
    """
    kind, advice = _kind_and_advice(status, is_cloud=is_cloud, is_web_page=is_web_page)
    if location and kind is RejectedError:
        problem = _("ConnectWise answered %(status)s and points to %(location)s")
    else:
        problem = _("ConnectWise answered %(status)s")
    return kind(
        problem % {"status": status, "location": location},
        _(advice),
        step=step,
        status=status,
        remote_message=remote_message,
        request_id=request_id,
    )


def _kind_and_advice(
    status: int, *, is_cloud: bool, is_web_page: bool
) -> tuple[type[ConnectWiseError], str]:
    if status == 404 and is_cloud:
        return NotFoundError, gettext_noop(
            "On the ConnectWise cloud this is also the answer to a wrong company or wrong keys: "
            "check the site, the company and both keys of the connection."
        )
    if is_web_page and status in _PAGES_OF_OTHERS:
        return _PAGES_OF_OTHERS[status]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _BY_CLASS.get(status // 100, _BY_CLASS[2])


_REFUSED_BY_OTHERS: Final = (
    RejectedError,
    gettext_noop(
        "This is a web page, which ConnectWise's API never sends: a firewall, a proxy or the "
        "web server before ConnectWise refused the call. Ask who runs it to let this server's "
        "calls through, and check the site and its port."
    ),
)
# A web page says nothing about the keys of a connection, whatever its status.
_PAGES_OF_OTHERS: Final[dict[int, tuple[type[ConnectWiseError], str]]] = {
    **dict.fromkeys((400, 403, 405, 406, 409, 451), _REFUSED_BY_OTHERS),
    401: (
        RejectedError,
        gettext_noop(
            "This is a login page, which ConnectWise's API never sends: a proxy or the web server "
            "before ConnectWise asks for a login of its own. Ask who runs it to let this server's "
            "calls through, and check the site and its port."
        ),
    ),
    404: (
        NotFoundError,
        gettext_noop(
            "This is a web page, which ConnectWise's API never sends: another program answers at "
            "this address. Check the site and its port: it is the host that people log in to."
        ),
    ),
}
_NOT_REACHED_BEHIND: Final = (
    ServerFailedError,
    gettext_noop(
        "What stands before ConnectWise, such as Cloudflare, could not reach it: run again later; "
        "if it stays so, ask who runs the server."
    ),
)
_GAVE_UP: Final = (
    ServerFailedError,
    gettext_noop("The server, or what stands before it, gave up on the call: run again later."),
)
_BY_STATUS: Final[dict[int, tuple[type[ConnectWiseError], str]]] = {
    400: (
        RejectedError,
        gettext_noop("Check the conditions, and the company and Client ID of the connection."),
    ),
    401: (
        AuthenticationError,
        gettext_noop(
            "Check the company, the public key, the private key and the Client ID of the "
            "connection; the keys may have expired or belong to another company."
        ),
    ),
    403: (
        ForbiddenError,
        gettext_noop(
            "The security role of the API member needs Finance > Accounting Interface: Inquire = "
            "All."
        ),
    ),
    404: (NotFoundError, gettext_noop("Check the site: it is the host that people log in to.")),
    407: (
        RejectedError,
        gettext_noop("A proxy asks for a password: the operator sets it in CWEXPORT_PROXY."),
    ),
    408: _GAVE_UP,
    425: _GAVE_UP,
    **dict.fromkeys(range(520, 531), _NOT_REACHED_BEHIND),
    429: (
        ThrottledError,
        gettext_noop(
            "Too many requests reach ConnectWise: run again later, or let other programs that use "
            "it pause meanwhile."
        ),
    ),
}
_BY_CLASS: Final[dict[int, tuple[type[ConnectWiseError], str]]] = {
    2: (
        WrongShapeError,
        gettext_noop("Check that the site is a ConnectWise server, then run again."),
    ),
    3: (
        RejectedError,
        gettext_noop(
            "Redirects are never followed, as they could lead the keys elsewhere: check the site, "
            "and whether a proxy or a login page stands before it."
        ),
    ),
    4: (RejectedError, gettext_noop("Check the site and the connection.")),
    5: (
        ServerFailedError,
        gettext_noop("ConnectWise fails or is under maintenance: run again later."),
    ),
}
