"""Tasks: list, one, run now."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from exports.api.fields import Id, Named, code, named
from exports.api.idempotency import KEY, once
from exports.api.links import links_of
from exports.api.lists import Page, PageQuery, check_query, filtered, page_of
from exports.api.problems import ProblemCode, ProblemError
from exports.api.resources.run_fields import RunFields, run_fields
from exports.api.resources.runs import found_run
from exports.connectwise.filter.conditions import ConditionError
from exports.models import Run, Task
from exports.models.errors import RunActiveError, TaskUnusableError
from exports.reporting.newest_runs import NewestRuns, newest_runs
from exports.reporting.task_filters import State, TaskFilter
from exports.workers import jobs

router = Router(tags=["Tasks"])


class TaskQuery(PageQuery):
    name: str | None = Field(
        None, max_length=100, description="Words of its name, its connection or its tags."
    )
    connection: Id | None = None
    tag: str | None = Field(None, max_length=30, description="One of its tags.")
    state: str | None = code(State, default=None, description="Archived ones only if asked for.")


class RunInShort(Schema):
    id: int
    status: str = code(Run.Status)
    batches: int | None
    finished_at: datetime | None


class TaskLinks(Schema):
    self: str
    runs: str = Field(description="Its runs; a POST to the runs below `self` starts one.")
    ledger: str
    page: str = Field(description="The page for people.")


class TaskFields(Schema):
    """An export of accounting batches."""

    id: int
    unique_id: UUID
    name: str
    connection: Named
    tags: list[str] = Field(description="Names it can be found by.")
    export: str = code(Task.Export)
    enabled: bool
    archived_at: datetime | None
    date_created: datetime
    date_modified: datetime
    page_size: int
    output_file: str
    include_extra_fields: bool
    active_run: RunInShort | None
    last_run: RunInShort | None = Field(description="The newest that is over, no re-export.")
    links: TaskLinks


class TaskPage(Page):
    items: list[TaskFields]


class RunRequest(Schema):
    """Nothing needs to be said; the body may be left out."""

    model_config = ConfigDict(extra="forbid")


@router.get("", response=TaskPage, url_name="task-list", operation_id="list_tasks")
def list_tasks(request: HttpRequest, query: Query[TaskQuery]) -> Any:
    """By id; archived tasks only with `state=archived`."""
    check_query(request, TaskQuery)
    rows = filtered(request, query, TaskFilter, Task.objects.select_related("connection"))
    return page_of(request, query, rows, _shapes(request), newest_first=False)


@router.get("/{id:id}", response=TaskFields, url_name="task-detail", operation_id="get_task")
def show_task(request: HttpRequest, id: Id) -> Any:
    return _shapes(request)([found_task(id)])[0]


@router.post(
    "/{id:id}/runs", response={201: RunFields}, url_name="task-runs", operation_id="run_task"
)
def run_task(
    request: HttpRequest, id: Id, body: RunRequest | None = None, key: str | None = KEY
) -> HttpResponse:
    """Run the task now. Its answer has the run's `id`; ask `GET /runs/{id}` until it is over."""
    task = found_task(id)
    return once(request, key, lambda: run_fields(request, _queued(task, request.user)), status=201)


def found_task(pk: int) -> Task:
    task = Task.objects.select_related("connection").filter(pk=pk).first()
    if task is None:
        raise Http404(_("There is no task with this id."))
    return task


def _queued(task: Task, user: Any) -> Run:
    try:
        run = jobs.queue_run(task, Run.Trigger.API, user)
    except RunActiveError as error:
        raise ProblemError(ProblemCode.RUN_ACTIVE, str(error), run_id=error.run.pk) from error
    except TaskUnusableError as error:
        raise ProblemError(ProblemCode.TASK_UNUSABLE, str(error)) from error
    except ConditionError as error:
        raise ProblemError(ProblemCode.CONDITIONS_INVALID, str(error)) from error
    return found_run(run.pk)


def _shapes(request: HttpRequest) -> Callable[[Sequence[Task]], list[dict[str, Any]]]:
    link = links_of(request)

    def shapes(tasks: Sequence[Task]) -> list[dict[str, Any]]:
        newest = newest_runs([task.pk for task in tasks])
        return [_shape(task, newest[task.pk], link) for task in tasks]

    return shapes


def _shape(task: Task, runs: NewestRuns, link: Callable[..., str]) -> dict[str, Any]:
    same = (
        *("id", "unique_id", "name", "export", "enabled", "archived_at", "date_created"),
        *("date_modified", "page_size", "output_file", "include_extra_fields"),
    )
    return {
        **{name: getattr(task, name) for name in same},
        "connection": named(task.connection),
        "tags": task.tag_names(),
        "active_run": _in_short(runs.active),
        "last_run": _in_short(runs.last),
        "links": {
            "self": link("api:task-detail", task.pk),
            "runs": f"{link('api:run-list')}?task={task.pk}",
            "ledger": link("api:task-ledger", task.pk),
            "page": link("task-detail", task.pk),
        },
    }


def _in_short(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    short = {name: getattr(run, name) for name in ("id", "status", "finished_at")}
    return {**short, "batches": run.batch_count}
