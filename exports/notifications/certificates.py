"""Looks once a day at the certificates of the servers that tasks call (rule N2)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from exports import clock
from exports.connectwise.http.certificates import certificate_ends_at
from exports.connectwise.http.sites import SiteError
from exports.connectwise.language import gettext as _
from exports.models import Connection, Installation, record_event
from exports.models.addresses import address_policy
from exports.models.codes import EventCode

SOON: Final = timedelta(days=21)


def watch_certificates(
    is_over: Callable[[], bool] = lambda: False, *, now: datetime | None = None
) -> None:
    """Record which expire soon; of all workers, one looks a day."""
    moment = now or clock.now()
    if not Installation.objects.take_daily_look(moment):
        return
    used = Connection.objects.filter(tasks__enabled=True, tasks__archived_at=None).distinct()
    for connection in used.order_by("id"):
        if is_over():
            return
        ends_at = _ends_at(connection, is_over)
        if ends_at is not None:
            _record(connection, ends_at, moment)


def _ends_at(connection: Connection, is_over: Callable[[], bool]) -> datetime | None:
    try:
        parts = urlsplit(connection.parsed_site().api_url)
    except SiteError:
        return None
    if parts.scheme != "https":
        return None
    return certificate_ends_at(
        parts.hostname or "",
        parts.port or 443,
        policy=address_policy(),
        stop=is_over,
        ca_file=settings.CWEXPORT_CA_FILE or None,
        route=settings.CWEXPORT_ROUTE,
    )


def _record(connection: Connection, ends_at: datetime, now: datetime) -> None:
    if ends_at - now > SOON:
        record_event(EventCode.CERTIFICATE_RENEWED, connection=connection)
        return
    reason = _("It is valid until %(day)s.") % {"day": f"{ends_at:%Y-%m-%d %H:%M} UTC"}
    record_event(EventCode.CERTIFICATE_EXPIRING, connection=connection, reason=reason)
