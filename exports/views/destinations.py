"""The pages of destinations: list, form, stepwise test (rule D1)."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exports.delivery.errors import DeliveryError
from exports.delivery.kind import DestinationKind
from exports.delivery.registry import all_kinds, find_kind, kind_of
from exports.delivery.sftp_connection import fingerprint
from exports.forms.destinations import DestinationForm
from exports.live_checks import connection_check, destination_check
from exports.models import Destination, DestinationInUseError, Task, TaskDestination
from exports.outside_numbers import read_id
from exports.reporting.destinations import destination_lines
from exports.views.buttons import button
from exports.views.live_tests import result_of, stream_test

_SENTENCES = {
    connection_check.PASSED: (
        messages.SUCCESS,
        gettext_lazy("%(destination)s was tested: every step passed."),
    ),
    connection_check.WARNING: (
        messages.WARNING,
        gettext_lazy("%(destination)s was tested: it works, with a warning."),
    ),
    connection_check.FAILED: (
        messages.ERROR,
        gettext_lazy("%(destination)s was tested: a step failed, see below."),
    ),
}
_TEST_NOW = "test_destination_now"


@require_GET
def list_destinations(request: HttpRequest) -> HttpResponse:
    Destination.objects.export_folder()
    used = TaskDestination.objects.filter(task__archived_at=None).select_related("task")
    uses = Prefetch("uses", used.order_by("task__name"))
    rows = Destination.objects.order_by("name").prefetch_related(uses)
    context = {"lines": destination_lines(rows)}
    return render(request, "exports/destinations/destination_list.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def create_destination(request: HttpRequest) -> HttpResponse:
    """First the kind is chosen, then its form is filled in."""
    kind = find_kind(request.GET.get("kind", ""))
    if kind is None:
        context = {"kinds": all_kinds(), "task": _asking_task(request)}
        return render(request, "exports/destinations/kind_choice.html", context)
    if request.method == "POST":
        return _save(request, kind, None)
    return _show_form(request, DestinationForm(kind=kind))


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def edit_destination(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Destination, pk=pk)
    kind = _kind_of(row)
    if request.method == "POST":
        return _save(request, kind, pk)
    return _show_form(request, DestinationForm(kind=kind, instance=row))


@button
def test_destination(request: HttpRequest, pk: int) -> HttpResponse:
    """Run the test and show the page when it is over, or let the page follow its steps."""
    row = get_object_or_404(Destination, pk=pk)
    if request.POST.get("test") == "live":
        request.session[_TEST_NOW] = row.pk
        return redirect("destination-edit", row.pk)
    return _test_and_show(request, row)


@require_POST
def follow_destination_test(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Run the test and stream its result, whole after each step, ended by a form feed."""
    row = get_object_or_404(Destination, pk=pk)
    return stream_test(row, destination_check.follow_destination_test(row), _SENTENCES)


@button
def forget_host_key(request: HttpRequest, pk: int) -> HttpResponse:
    """After an announced change of the server's key; the next test pins the new one."""
    row = get_object_or_404(Destination, pk=pk)
    row.forget_host_key()
    message = _("The host key of %(destination)s is forgotten: the next test pins the one it sees.")
    messages.success(request, message % {"destination": row.name})
    return redirect("destination-edit", pk)


@require_http_methods(["GET", "POST"])
def delete_destination(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete after a confirmation; one in use stays, and the page names its users."""
    row = get_object_or_404(Destination, pk=pk)
    status = 200
    if request.method == "POST":
        try:
            row.remove()
        except DestinationInUseError:
            status = 409
        else:
            message = _("Destination %(destination)s was deleted.")
            messages.success(request, message % {"destination": row.name})
            return redirect("destination-list")
    context = {
        "destination": row,
        "uses": row.tasks_using(),
        "open_count": row.deliveries.open().count(),
    }
    return render(request, "exports/destinations/destination_delete.html", context, status=status)


def _kind_of(row: Destination) -> DestinationKind:
    try:
        return kind_of(row.kind)
    except DeliveryError as error:
        raise Http404(str(error)) from error


def _save(request: HttpRequest, kind: DestinationKind, pk: int | None) -> HttpResponse:
    with transaction.atomic():
        # Locked, so that a second form waits for this one and sees the saved values.
        locked = Destination.objects.select_for_update(no_key=True).filter(pk=pk or 0).first()
        if pk is not None and locked is None:
            raise Http404
        form = DestinationForm(request.POST, kind=kind, instance=locked)
        form.compare_with_stored()
        if not form.is_valid():
            return _show_form(request, form)
        row = form.save_for(request.user)
    message = _("Destination %(destination)s was saved.")
    messages.success(request, message % {"destination": row.name})
    for warning in form.taken_over():
        messages.warning(request, warning)
    if request.POST.get("test") == "live":
        request.session[_TEST_NOW] = row.pk
    elif "test" in request.POST:
        return _test_and_show(request, row)
    return _to_form(request, row)


def _test_and_show(request: HttpRequest, row: Destination) -> HttpResponse:
    level, sentence = result_of(row, destination_check.test_destination(row), _SENTENCES)
    messages.add_message(request, level, sentence)
    return _to_form(request, row)


def _to_form(request: HttpRequest, row: Destination) -> HttpResponse:
    task = _asking_task(request)
    query = {"task": task.pk} if task else None
    return redirect(reverse("destination-edit", args=[row.pk], query=query))


def _asking_task(request: HttpRequest) -> Task | None:
    """The task from whose page somebody came to make a destination for it."""
    number = read_id(request.GET.get("task", ""))
    return Task.objects.filter(pk=number or 0, archived_at=None).first()


def _show_form(request: HttpRequest, form: DestinationForm) -> HttpResponse:
    # Validation writes typed values into the form's instance; the page shows the stored ones.
    stored = Destination.objects.filter(pk=form.instance.pk).first()
    context = {
        "form": form,
        "kind": form.kind,
        "destination": stored,
        "where": form.kind.where(stored.address) if stored else "",
        "uses": stored.tasks_using()[:11] if stored else (),
        "fingerprint": fingerprint(stored.host_key) if stored and stored.host_key else "",
        "task": _asking_task(request),
        "action": request.get_full_path(),
        "test_now": stored is not None and request.session.pop(_TEST_NOW, None) == stored.pk,
    }
    return render(request, "exports/destinations/destination_form.html", context)
