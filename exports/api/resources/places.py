"""Connections, destinations and channels by name, without what leads there; and the health."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from exports.api.lists import Page, PageQuery, check_query, page_of
from exports.models import Channel, Connection, Destination, Run, Worker
from exports.product import product_version

router = Router()


class ConnectionFields(Schema):
    id: int
    name: str
    last_tested_at: datetime | None


class ConnectionPage(Page):
    items: list[ConnectionFields]


class PlaceFields(Schema):
    id: int
    name: str
    kind: str


class PlacePage(Page):
    items: list[PlaceFields]


class Health(Schema):
    """Whether anything runs; a success of the request says that the database answers."""

    status: str = Field(json_schema_extra={"enum": ["ok", "no_worker"]})
    version: str
    worker_count: int = Field(description="Workers that gave a sign of life within a minute.")
    queued_run_count: int
    running_run_count: int
    oldest_queued_at: datetime | None


@router.get(
    "/connections",
    response=ConnectionPage,
    url_name="connection-list",
    operation_id="list_connections",
    tags=["Connections"],
)
def list_connections(request: HttpRequest, query: Query[PageQuery]) -> Any:
    check_query(request, PageQuery)
    rows = Connection.objects.only("name", "last_tested_at")
    return page_of(request, query, rows, _connections, newest_first=False)


@router.get(
    "/destinations",
    response=PlacePage,
    url_name="destination-list",
    operation_id="list_destinations",
    tags=["Deliveries"],
)
def list_destinations(request: HttpRequest, query: Query[PageQuery]) -> Any:
    check_query(request, PageQuery)
    rows = Destination.objects.only("name", "kind")
    return page_of(request, query, rows, _places, newest_first=False)


@router.get(
    "/channels",
    response=PlacePage,
    url_name="channel-list",
    operation_id="list_channels",
    tags=["Channels"],
)
def list_channels(request: HttpRequest, query: Query[PageQuery]) -> Any:
    check_query(request, PageQuery)
    rows = Channel.objects.only("name", "kind")
    return page_of(request, query, rows, _places, newest_first=False)


@router.get(
    "/health", response=Health, url_name="health", operation_id="get_health", tags=["Health"]
)
def show_health(request: HttpRequest) -> Any:
    worker_count = Worker.objects.alive().count()
    queued = Run.objects.queued().order_by("queued_at")
    return {
        "status": "ok" if worker_count else "no_worker",
        "version": product_version(),
        "worker_count": worker_count,
        "queued_run_count": queued.count(),
        "running_run_count": Run.objects.running().count(),
        "oldest_queued_at": queued.values_list("queued_at", flat=True).first(),
    }


def _connections(rows: Sequence[Connection]) -> list[dict[str, Any]]:
    return [{"id": row.pk, "name": row.name, "last_tested_at": row.last_tested_at} for row in rows]


def _places(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"id": row.pk, "name": row.name, "kind": row.kind} for row in rows]
