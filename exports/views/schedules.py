"""The pages of schedules: list, form, a schedule's own page, pause and delete (rules S1 to S5)."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_tables2 import RequestConfig

from exports import clock
from exports.forms.edit_conflicts import OPENED_WITH
from exports.forms.redisplay import redisplay
from exports.forms.schedules import ScheduleForm, zone_names
from exports.models import DueTime, Schedule
from exports.outside_numbers import read_id
from exports.reporting.schedules import schedule_lines, soonest_first, words_of
from exports.reporting.tables import ROWS_A_PAGE, DueTimeRows, DueTimeTable, RunPages
from exports.schedules import cron
from exports.schedules.planning import change_pause, remove
from exports.views.buttons import button
from exports.views.expired_login import take_typed, typed_by


@require_safe
def list_schedules(request: HttpRequest) -> HttpResponse:
    pages = Paginator(soonest_first(), ROWS_A_PAGE)
    page = pages.get_page(read_id(request.GET.get("page", "")) or 1)
    context = {"page": page, "lines": schedule_lines(page.object_list), "count": pages.count}
    return render(request, "exports/schedules/schedule_list.html", context)


@require_safe
def show_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """A schedule and what became of each of its due times; a deleted one too."""
    schedule = get_object_or_404(Schedule.objects.select_related("task", "workflow"), pk=pk)
    rows = DueTime.objects.filter(schedule=schedule).newest_first()
    table = DueTimeTable(DueTimeRows(rows), exclude=("target",))
    RequestConfig(request, paginate={"paginator_class": RunPages}).configure(table)
    context = {
        "schedule": schedule,
        "words": words_of(schedule),
        "outlook": _outlook(schedule),
        "table": table,
        "has_due_times": bool(table.paginator.count),
    }
    return render(request, "exports/schedules/schedule.html", context)


@require_http_methods(["GET", "POST"])
def create_schedule(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _save(request, None)
    target = next(
        (
            f"{kind}:{key}"
            for kind in ("task", "workflow")
            if (key := read_id(request.GET.get(kind, "")))
        ),
        "",
    )
    return _open_form(request, ScheduleForm(target=target))


@require_http_methods(["GET", "POST"])
def edit_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method == "POST":
        return _save(request, pk)
    return _open_form(request, ScheduleForm(instance=_kept(pk)))


@require_POST
def show_outlook(request: HttpRequest) -> HttpResponse:
    """The words and the next times of what is typed, by the code that fires."""
    form = ScheduleForm(request.POST)
    form.is_valid()
    context = {"outlook": form.outlook(clock.now())}
    return render(request, "exports/schedules/_outlook.html", context)


@button
def pause_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    schedule = _change_pause(request, pk, is_paused=True)
    sentence = _("%(schedule)s is paused: it is not due until you resume it.")
    messages.success(request, sentence % {"schedule": _name(schedule)})
    return _back(request, schedule)


@button
def resume_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    schedule = _change_pause(request, pk, is_paused=False)
    sentence = _("%(schedule)s goes on; what it would have been due for meanwhile is left out.")
    messages.success(request, sentence % {"schedule": _name(schedule)})
    return _back(request, schedule)


@require_http_methods(["GET", "POST"])
def delete_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete after a confirmation; what became of its due times stays in the history."""
    if request.method == "POST":
        with transaction.atomic():
            schedule = _kept(pk, is_locked=True)
            remove(schedule, request.user.get_username())
        sentence = _("%(schedule)s was deleted. Its due times stay in the history.")
        messages.success(request, sentence % {"schedule": _name(schedule)})
        return redirect("schedule-list")
    schedule = _kept(pk)
    context = {"schedule": schedule, "words": words_of(schedule)}
    return render(request, "exports/schedules/schedule_delete.html", context)


def _kept(pk: int, *, is_locked: bool = False) -> Schedule:
    rows = Schedule.objects.kept()
    if is_locked:
        rows = rows.select_for_update(no_key=True)
    return get_object_or_404(rows, pk=pk)


def _change_pause(request: HttpRequest, pk: int, *, is_paused: bool) -> Schedule:
    return change_pause(_kept(pk), is_paused=is_paused, editor=request.user.get_username())


def _back(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    if request.POST.get("back") == "list":
        return redirect("schedule-list")
    return redirect("schedule-detail", schedule.pk)


def _name(schedule: Schedule) -> str:
    params = {"name": schedule.target.name, "words": words_of(schedule)}
    return _("%(name)s: %(words)s") % params


def _open_form(request: HttpRequest, form: ScheduleForm) -> HttpResponse:
    if typed := take_typed(request):
        redisplay(form, typed, except_for=(OPENED_WITH,))
    return _show_form(request, form)


def _save(request: HttpRequest, pk: int | None) -> HttpResponse:
    with transaction.atomic():
        # Locked, so that a worker's tick and a second form wait for this one.
        locked = Schedule.objects.kept().select_for_update(no_key=True).filter(pk=pk or 0).first()
        if pk is not None and locked is None:
            return _show_deleted(request, pk)
        form = ScheduleForm(request.POST, instance=locked)
        form.compare_with_stored()
        if not form.is_valid():
            return _show_form(request, form)
        schedule = form.save_for(request.user.get_username(), clock.now())
    messages.success(request, _("%(schedule)s was saved.") % {"schedule": _name(schedule)})
    for sentence in form.taken_over():
        messages.warning(request, sentence)
    return redirect("schedule-detail", schedule.pk)


def _show_deleted(request: HttpRequest, pk: int) -> HttpResponse:
    if not Schedule.objects.filter(pk=pk).exists():
        raise Http404
    sentence = _(
        "Somebody deleted this schedule meanwhile. Save to make a new one of what is here."
    )
    messages.error(request, sentence)
    form = ScheduleForm()
    redisplay(form, request.POST, except_for=(OPENED_WITH,))
    return _show_form(request, form)


def _show_form(request: HttpRequest, form: ScheduleForm) -> HttpResponse:
    # Validation writes typed values into the form's instance; the page shows the stored ones.
    stored = Schedule.objects.filter(pk=form.instance.pk or 0).first()
    context = {
        "form": form,
        "schedule": stored,
        "action": request.path if stored else reverse("schedule-create"),
        "typed_by": typed_by(request),
        "zones": zone_names(),
        "outlook": form.outlook(clock.now()),
    }
    return render(request, "exports/schedules/schedule_form.html", context)


def _outlook(schedule: Schedule) -> dict[str, Any]:
    try:
        return ScheduleForm(instance=schedule).outlook(clock.now()) if schedule.is_active else {}
    except cron.CronError as error:
        return {"problem": str(error)}
