"""What a task would do with the values in its form: in words, and as sent to ConnectWise."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from exports import clock
from exports.connectwise.filter import conditions
from exports.connectwise.http import urls
from exports.connectwise.http.sites import SiteError
from exports.forms.task_draft import DATE_OF, chosen_connection, draft
from exports.forms.tasks import TaskForm
from exports.forms.utc_input import canonical
from exports.models import Connection, Task
from exports.models.sync_window import Restart, SyncWindow, next_window
from exports.outside_numbers import read_number
from exports.views.task_page import restart_sentence

# The largest page size allowed; the form checks it.
LARGEST_PAGE = 1000
# A placeholder for the id that the run looks up before its first page (W4).
_UNKNOWN_ID = "id > …"


@dataclass(frozen=True)
class Description:
    """The filter in words and the exact text a run would send, or why there is none.

    `next_run` are sentences about the chosen mode and its date; `missing` says what of it cannot be
    read yet, so that the request is not whole.
    """

    in_words: str
    request: str
    error: str
    next_run: tuple[str, ...]
    missing: str = ""


@require_POST
def describe_task(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The part of the form that is refreshed while typing; nothing is saved, no input replaced."""
    stored = Task.objects.select_related("connection")
    task = get_object_or_404(stored, pk=pk) if pk is not None else None
    form = TaskForm(instance=task, data=request.POST)
    if not form.rows.management_form.is_valid():
        # The page is replacing the rows right now; the new rows ask again.
        return HttpResponse(status=204)
    context = {"form": form, "description": describe(form)}
    return render(request, "exports/task_form/_described.html", context)


def describe(form: TaskForm) -> Description:
    """What the next run would ask for if the form were saved now."""
    rows = form.rows
    connection = chosen_connection(form)
    error = rows.first_error() or _length_error(form, connection)
    drafted = draft(form, connection)
    if error:
        waits = _("This shows here once the conditions can be sent.")
        return Description("", "", error, (waits,))
    if drafted is None:
        missing = _unreadable(form)
        words = rows.in_words() if rows.sent() else ""
        return Description(words, rows.sent(), "", (missing,), missing)
    sent = rows.sent()
    window = next_window(drafted, sent, clock.now())
    return Description(
        in_words=rows.in_words(),
        request=conditions.both(sent, *_added(window)),
        error="",
        # An unchanged form needs no comparison; the task's page shows what there is to say.
        next_run=(
            *_next_run(drafted, window, window.restart if form.is_bound else None),
            *filter(None, [form.late_match_warning()]),
        ),
    )


def _added(window: SyncWindow) -> Iterator[str]:
    if window.modified_after:
        yield conditions.updated_after(window.modified_after)
    if window.start_id is not None:
        yield conditions.id_above(window.start_id)
    if window.created_after:
        yield _UNKNOWN_ID


def _next_run(task: Task, window: SyncWindow, restart: Restart | None) -> Iterator[str]:
    if window.modified_after:
        yield _("It asks for batches updated after %(moment)s.") % _named(window.modified_after)
    elif window.start_id is not None:
        yield _("It asks for batches with an id above %(id)s.") % {"id": window.start_id}
    elif window.created_after:
        yield _(
            "It asks for batches created after %(moment)s: it looks up the highest id of that "
            "time first, and asks for the ids above it."
        ) % _named(window.created_after)
    else:
        yield _("It asks for every batch that meets the conditions, whenever it changed.")
    moment = window.modified_after or window.created_after
    if moment and moment > clock.now():
        yield _("That lies in the future: nothing is exported until then.")
    if restart is not None:
        yield restart_sentence(task, restart)
    elif task.export != Task.Export.ALL and window.reason:
        yield window.reason
    elif window.skips_known:
        yield _("What this task has already exported is skipped.")


def _named(moment: datetime) -> dict[str, str]:
    return {"moment": canonical(moment)}


def _unreadable(form: TaskForm) -> str:
    name = DATE_OF.get(str(form["export"].value()))
    if not name:
        return _("Choose Modified, New or All.")
    return _("%(date)s cannot be read yet.") % {"date": form.fields[name].label}


def _length_error(form: TaskForm, connection: Connection | None) -> str:
    """The error when the filter is too long for a URL, as soon as that is known (F6)."""
    page_size = read_number(str(form["page_size"].value()), most=LARGEST_PAGE)
    if connection is None or page_size is None:
        return ""
    try:
        urls.check_url_length(connection.parsed_site(), form.rows.sent(), page_size)
    except urls.UrlTooLongError as error:
        return str(error)
    except SiteError:
        return ""
    return ""
