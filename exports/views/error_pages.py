"""The pages of errors, also for requests whose form cannot be read.

Django's own read the form for its token: a broken one would make an error of the server of each
address that is not there.
"""

import logging
import sys
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.views import defaults

from exports.logs.formats import logged_path
from exports.pipeline.database_faults import first_line, is_out_of_reach

logger = logging.getLogger(__name__)


def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return defaults.bad_request(_readable(request), exception)


def show_not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return defaults.permission_denied(_readable(request), exception)


def show_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return defaults.page_not_found(_readable(request), exception)


def show_server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if isinstance(error, DatabaseError | InterfaceError) and is_out_of_reach(error):
        return _show_no_database(_readable(request), error)
    return defaults.server_error(_readable(request))


def _show_no_database(request: HttpRequest, error: Exception) -> HttpResponse:
    """Its server is restarted, cut off or busy: no fault of this program, and it passes."""
    logger.warning(
        _("%(path)s: the database did not answer (%(reason)s)."),
        {"path": logged_path(request.path), "reason": first_line(error)},
    )
    response = defaults.server_error(request, "503.html")
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    response["Retry-After"] = "5"
    # The line above says it; Django's would have a traceback.
    setattr(response, "_has_been_logged", True)  # noqa: B010 - Django's own mark
    return response


def _readable(request: Any) -> Any:
    """The request, without its form if that cannot be read."""
    try:
        request.POST  # noqa: B018 - reads it
    except (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        request.POST = QueryDict()
    return request
