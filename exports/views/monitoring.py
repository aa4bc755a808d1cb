"""What monitoring asks: does the process answer, can it work, and its figures (rule I3)."""

import hmac
import logging
from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from exports.middleware.client_address import calling_ip
from exports.reporting.metrics.text import CONTENT_TYPE, metrics_text
from exports.reporting.readiness import read_readiness

logger = logging.getLogger(__name__)


@require_safe
def show_health(request: HttpRequest) -> HttpResponse:
    """The process answers. No database: a restart of this process would not mend one."""
    return _plain("ok\n")


@require_safe
def show_readiness(request: HttpRequest) -> JsonResponse:
    """Which of the things that an export needs are there. Strangers learn no more than that."""
    checks = read_readiness()
    is_ready = all(checks.values())
    answer = {
        "ready": is_ready,
        "checks": {name: "ok" if is_ok else "failed" for name, is_ok in checks.items()},
    }
    return JsonResponse(
        answer, status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    )


@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    if not settings.CWEXPORT_METRICS:
        raise Http404
    if not _is_from_network(request):
        return _plain("Your address is not in CWEXPORT_METRICS_NETWORKS.\n", HTTPStatus.FORBIDDEN)
    if not _has_token(request):
        refusal = "Send the header Authorization: Bearer with CWEXPORT_METRICS_TOKEN.\n"
        response = _plain(refusal, HTTPStatus.UNAUTHORIZED)
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return response
    try:
        return HttpResponse(metrics_text(), content_type=CONTENT_TYPE)
    except DatabaseError as error:
        logger.warning("The metrics could not be read: %s", error)
        refusal = "The database does not answer as it should.\n"
        return _plain(refusal, HTTPStatus.SERVICE_UNAVAILABLE)


def _is_from_network(request: HttpRequest) -> bool:
    networks = settings.CWEXPORT_METRICS_NETWORKS
    address = calling_ip(request)
    return not networks or (address is not None and any(address in one for one in networks))


def _has_token(request: HttpRequest) -> bool:
    token: str = settings.CWEXPORT_METRICS_TOKEN
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    is_sent = hmac.compare_digest(sent.strip().encode("utf-8", "replace"), token.encode())
    return not token or (scheme.lower() == "bearer" and is_sent)


def _plain(text: str, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
