"""Forms must be UTF-8; with any other declared encoding they have no fields.

Django decodes with whatever encoding a client names, even one that is not for text, and fails
before its first middleware runs. So this wraps Django itself.
"""

import codecs
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.utils.http import parse_header_parameters

_Environ = dict[str, Any]
_Application = Callable[[_Environ, Any], Iterable[bytes]]
_TEXT: Final = {"utf-8", "ascii"}


def with_readable_type(application: _Application) -> _Application:
    def readable(environ: _Environ, start_response: Any) -> Iterable[bytes]:
        return application(readable_environ(environ), start_response)

    return readable


def readable_environ(environ: _Environ) -> _Environ:
    if _is_readable(environ.get("CONTENT_TYPE", "")):
        return environ
    return {**environ, "CONTENT_TYPE": ""}


def _is_readable(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset", "utf-8")).name in _TEXT
    except (LookupError, ValueError):
        return False
