"""Schedules: list, one, pause, resume; and their due times."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from exports.api.fields import Day, Fault, Id, Named, code, fault, named
from exports.api.idempotency import KEY, once
from exports.api.links import links_of
from exports.api.lists import Page, PageQuery, check_query, filtered, page_of
from exports.api.problems import ProblemCode, ProblemError
from exports.models import DueTime, Schedule
from exports.reporting.due_time_filters import DueTimeFilter
from exports.reporting.schedules import words_of
from exports.schedules.cron import CronError
from exports.schedules.planning import change_pause

router = Router(tags=["Schedules"])
due_times_router = Router(tags=["Schedules"])


class ScheduleLinks(Schema):
    self: str
    page: str


class ScheduleFields(Schema):
    """When a task or workflow is due by itself."""

    id: int
    task: Named | None
    workflow: Named | None
    cron: str
    in_words: str
    zone: str
    is_paused: bool
    catch_up: str = code(Schedule.CatchUp)
    grace_minutes: int
    next_due_at: datetime | None
    missed_due_at: datetime | None
    links: ScheduleLinks


class SchedulePage(Page):
    items: list[ScheduleFields]


class DueTimeQuery(PageQuery):
    task: Id | None = None
    workflow: Id | None = None
    state: str | None = code(DueTime.State, default=None)
    from_: Day | None = Field(None, alias="from", description="Due on this day or later.")
    to: Day | None = Field(None, description="Due on this day or earlier.")


class DueTimeFields(Schema):
    """A moment at which a schedule was due, and what became of it."""

    id: int
    schedule_id: int
    due_at: datetime
    state: str = code(DueTime.State)
    settled_at: datetime
    run_id: int | None
    workflow_run_id: int | None
    reason: Fault | None


class DueTimePage(Page):
    items: list[DueTimeFields]


@router.get("", response=SchedulePage, url_name="schedule-list", operation_id="list_schedules")
def list_schedules(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """By id, without deleted ones."""
    check_query(request, PageQuery)
    rows = Schedule.objects.kept().select_related("task", "workflow")
    return page_of(request, query, rows, _shapes(request), newest_first=False)


@router.get(
    "/{id:id}", response=ScheduleFields, url_name="schedule-detail", operation_id="get_schedule"
)
def show_schedule(request: HttpRequest, id: Id) -> Any:
    return _shapes(request)([_found(id)])[0]


@router.post(
    "/{id:id}/pause",
    response=ScheduleFields,
    url_name="schedule-pause",
    operation_id="pause_schedule",
)
def pause_schedule(request: HttpRequest, id: Id, key: str | None = KEY) -> HttpResponse:
    """It is not due until it is resumed; a paused one stays so."""
    return once(request, key, lambda: _changed(request, id, is_paused=True))


@router.post(
    "/{id:id}/resume",
    response=ScheduleFields,
    url_name="schedule-resume",
    operation_id="resume_schedule",
)
def resume_schedule(request: HttpRequest, id: Id, key: str | None = KEY) -> HttpResponse:
    """It goes on; what it would have been due for meanwhile is left out."""
    return once(request, key, lambda: _changed(request, id, is_paused=False))


@due_times_router.get(
    "", response=DueTimePage, url_name="due-time-list", operation_id="list_due_times"
)
def list_due_times(request: HttpRequest, query: Query[DueTimeQuery]) -> Any:
    """The last settled first."""
    check_query(request, DueTimeQuery)
    rows = filtered(request, query, DueTimeFilter, DueTime.objects.all())
    return page_of(request, query, rows, _due_times)


def _changed(request: HttpRequest, pk: int, *, is_paused: bool) -> Schema:
    editor = request.user.get_username()
    try:
        change_pause(_found(pk), is_paused=is_paused, editor=editor)
    except CronError as error:
        raise ProblemError(ProblemCode.SCHEDULE_UNUSABLE, str(error)) from error
    return ScheduleFields.model_validate(_shapes(request)([_found(pk)])[0])


def _found(pk: int) -> Schedule:
    rows = Schedule.objects.kept().select_related("task", "workflow")
    schedule = rows.filter(pk=pk).first()
    if schedule is None:
        raise Http404(_("There is no schedule with this id."))
    return schedule


def _shapes(request: HttpRequest) -> Callable[[Sequence[Schedule]], list[dict[str, Any]]]:
    link = links_of(request)

    def shape(schedule: Schedule) -> dict[str, Any]:
        same = (
            *("id", "cron", "zone", "is_paused", "catch_up", "grace_minutes", "next_due_at"),
            "missed_due_at",
        )
        return {
            **{name: getattr(schedule, name) for name in same},
            "task": named(schedule.task),
            "workflow": named(schedule.workflow),
            "in_words": words_of(schedule),
            "links": {
                "self": link("api:schedule-detail", schedule.pk),
                "page": link("schedule-detail", schedule.pk),
            },
        }

    return lambda schedules: [shape(schedule) for schedule in schedules]


def _due_times(rows: Sequence[DueTime]) -> list[dict[str, Any]]:
    same = ("id", "schedule_id", "due_at", "state", "settled_at", "run_id", "workflow_run_id")
    return [
        {
            **{name: getattr(row, name) for name in same},
            "reason": fault(row.reason_code, row.reason),
        }
        for row in rows
    ]
