"""Restores the public address of a request when a proxy has changed it.

A proxy may drop the port from `Host`, or pass the path on with or without its prefix. Django must
check and link to the address that people see.
"""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

_Environ = dict[str, Any]
_Application = Callable[[_Environ, Any], Iterable[bytes]]


def at_public_address(application: _Application, public_url: str) -> _Application:
    if not public_url:
        return application

    def located(environ: _Environ, start_response: Any) -> Iterable[bytes]:
        return application(public_environ(environ, public_url), start_response)

    return located


def public_environ(environ: _Environ, public_url: str) -> _Environ:
    url = urlsplit(public_url)
    changed = {**environ, "SCRIPT_NAME": url.path}
    path = environ.get("PATH_INFO", "")
    if url.path and f"{path}/".startswith(f"{url.path}/"):
        changed["PATH_INFO"] = path.removeprefix(url.path) or "/"
    if _host_name(environ.get("HTTP_HOST", "")) == url.hostname:
        changed |= {"HTTP_HOST": url.netloc, "wsgi.url_scheme": url.scheme}
    return changed


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
