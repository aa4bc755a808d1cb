"""Deliveries: list, one, and sending a run's file again."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from ninja.responses import Status
from pydantic import ConfigDict, Field

from exports.api.fields import BodyId, Fault, Id, Named, code, fault, named
from exports.api.idempotency import KEY, once
from exports.api.links import links_of
from exports.api.lists import Page, PageQuery, check_query, page_of
from exports.api.problems import ProblemCode, ProblemError
from exports.api.resources.runs import found_run
from exports.delivery.again import deliver_again
from exports.models import Delivery, Destination, Run
from exports.reporting.delivery_filters import FAILING, DeliveryFilter

router = Router(tags=["Deliveries"])
of_runs_router = Router(tags=["Deliveries"])


class DeliveryQuery(PageQuery):
    state: str | None = code(Delivery.State, FAILING, default=None)
    destination: Id | None = None


class DeliveryLinks(Schema):
    self: str
    run: str


class DeliveryFields(Schema):
    """A run's file on its way to one destination."""

    id: int
    run_id: int
    destination: Named | None = Field(description="Null once it was deleted.")
    destination_name: str
    file_name: str
    state: str = code(Delivery.State)
    location: str = Field(description="Where the file is now; blank before.")
    compared: str = Field(description="What the other side confirmed: `size`, `hash` or blank.")
    requested_by: str = Field(description="Who asked for it by hand; blank for the success itself.")
    attempt_count: int
    created_at: datetime
    next_try_at: datetime | None
    finished_at: datetime | None
    error: Fault | None
    links: DeliveryLinks


class DeliveryPage(Page):
    items: list[DeliveryFields]


class DeliveryRequest(Schema):
    model_config = ConfigDict(extra="forbid")

    destination: BodyId = Field(description="The id of a destination, the task's own or another.")


@router.get("", response=DeliveryPage, url_name="delivery-list", operation_id="list_deliveries")
def list_deliveries(request: HttpRequest, query: Query[DeliveryQuery]) -> Any:
    """Newest first; `state=failing` are those that need somebody."""
    check_query(request, DeliveryQuery)
    found = DeliveryFilter(request.GET)
    return page_of(request, query, found.rows().select_related("destination"), _shapes(request))


@router.get(
    "/{id:id}", response=DeliveryFields, url_name="delivery-detail", operation_id="get_delivery"
)
def show_delivery(request: HttpRequest, id: Id) -> Any:
    return _shapes(request)([_found(id)])[0]


@router.post(
    "/{id:id}/again",
    response={200: DeliveryFields, 201: DeliveryFields},
    url_name="delivery-again",
    operation_id="deliver_again",
)
def repeat_delivery(request: HttpRequest, id: Id, key: str | None = KEY) -> HttpResponse:
    """Send the file to the same destination once more; one on its way is tried now (200)."""
    delivery = _found(id)
    destination = delivery.destination
    if destination is None:
        raise ProblemError(
            ProblemCode.NO_DESTINATION, _("Choose another: POST /runs/{id}/deliveries.")
        )
    run = found_run(delivery.run_id)
    return once(request, key, lambda: _again(request, run, destination))


@of_runs_router.post(
    "/{id:id}/deliveries",
    response={200: DeliveryFields, 201: DeliveryFields},
    url_name="run-deliveries",
    operation_id="deliver_run",
)
def deliver_run(
    request: HttpRequest, id: Id, body: DeliveryRequest, key: str | None = KEY
) -> HttpResponse:
    """Send the run's file to a destination; one on its way there is tried now (200)."""
    run = found_run(id)
    destination = Destination.objects.filter(pk=body.destination).first()
    if destination is None:
        raise Http404(_("There is no destination with this id."))
    return once(request, key, lambda: _again(request, run, destination), body=body.model_dump())


def _again(request: HttpRequest, run: Run, destination: Destination) -> Status[Schema]:
    if not run.file_path:
        raise ProblemError(ProblemCode.RUN_NO_FILE, _("Only a success has a file to deliver."))
    made = deliver_again(run, destination, request.user.get_username())
    if made is not None:
        return Status(201, _fields(request, made.pk))
    waiting = run.deliveries.open().filter(destination=destination).order_by("-id").first()
    newest = run.deliveries.filter(destination=destination).order_by("-id").first()
    row = waiting or newest
    assert row is not None  # noqa: S101 - it was in the way of a new one
    return Status(200, _fields(request, row.pk))


def _fields(request: HttpRequest, pk: int) -> Schema:
    return DeliveryFields.model_validate(_shapes(request)([_found(pk)])[0])


def _found(pk: int) -> Delivery:
    row = Delivery.objects.select_related("destination").filter(pk=pk).first()
    if row is None:
        raise Http404(_("There is no delivery with this id."))
    return row


def _shapes(request: HttpRequest) -> Callable[[Sequence[Delivery]], list[dict[str, Any]]]:
    link = links_of(request)

    def shape(row: Delivery) -> dict[str, Any]:
        same = (
            *("id", "run_id", "destination_name", "file_name", "state", "location", "compared"),
            *("requested_by", "attempt_count", "created_at", "finished_at"),
        )
        return {
            **{name: getattr(row, name) for name in same},
            "destination": named(row.destination),
            "next_try_at": row.next_try_at if row.state == Delivery.State.WAITING else None,
            "error": fault(row.error_code, row.error),
            "links": {
                "self": link("api:delivery-detail", row.pk),
                "run": link("api:run-detail", row.run_id),
            },
        }

    return lambda rows: [shape(row) for row in rows]
