"""The pages of one connection (rules C1 to C7)."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.sites import SiteError
from exports.forms.connections import ConnectionForm
from exports.forms.edit_conflicts import OPENED_WITH
from exports.forms.redisplay import redisplay
from exports.live_checks import connection_check
from exports.models import Connection, Run
from exports.models.addresses import read_callable_site
from exports.views.buttons import button
from exports.views.expired_login import TYPED_AGAIN, take_typed, typed_by
from exports.views.live_tests import result_of, stream_test

_SENTENCES = {
    connection_check.PASSED: (
        messages.SUCCESS,
        gettext_lazy("%(connection)s was tested: every step passed."),
    ),
    connection_check.WARNING: (
        messages.WARNING,
        gettext_lazy("%(connection)s was tested: it works, with a warning."),
    ),
    connection_check.FAILED: (
        messages.ERROR,
        gettext_lazy("%(connection)s was tested: a step failed, see below."),
    ),
}
# Of the tasks that use a connection, on the page to delete it.
_LISTED_TASKS = 50
_TEST_NOW = "test_connection_now"


@sensitive_post_parameters("private_key")
@require_http_methods(["GET", "POST"])
def create_connection(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _save(request, None)
    is_first = not Connection.objects.exists()
    return _open_form(request, ConnectionForm(initial={"is_default": is_first}))


@sensitive_post_parameters("private_key")
@require_http_methods(["GET", "POST"])
def edit_connection(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method == "POST":
        return _save(request, pk)
    return _open_form(request, ConnectionForm(instance=get_object_or_404(Connection, pk=pk)))


@button
def test_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Run the test and show the page when it is over, or let the page follow its steps (C4)."""
    connection = get_object_or_404(Connection, pk=pk)
    if request.POST.get("test") == "live":
        request.session[_TEST_NOW] = connection.pk
        return redirect("connection-edit", connection.pk)
    return _test_and_show(request, connection)


@require_POST
def follow_connection_test(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Run the test and stream its result, whole after each step, ended by a form feed (C4)."""
    connection = get_object_or_404(Connection, pk=pk)
    return stream_test(connection, connection_check.follow_test(connection), _SENTENCES)


@require_http_methods(["GET", "POST"])
def delete_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete after a confirmation; a connection in use stays, and the page names its users (C7)."""
    connection = get_object_or_404(Connection, pk=pk)
    status = 200
    if request.method == "POST":
        try:
            connection.remove()
        except ProtectedError:
            status = 409
        else:
            message = _("Connection %(connection)s was deleted.")
            messages.success(request, message % {"connection": connection.name})
            return redirect("connection-list")
    run_count = Run.objects.filter(connection=connection).count()
    archived = connection.tasks.exclude(archived_at=None)
    tasks = connection.tasks.filter(archived_at=None).order_by("name")
    context = {
        "connection": connection,
        "tasks": tasks[:_LISTED_TASKS],
        "more_count": max(0, tasks.count() - _LISTED_TASKS),
        "run_count": run_count,
        # Runs in the history cannot be removed, so a confirmation would be pointless.
        "is_in_history": bool(run_count) or archived.exists(),
    }
    return render(request, "exports/connections/connection_delete.html", context, status=status)


@require_GET
def show_address(request: HttpRequest) -> HttpResponse:
    """The address that a site would have, shown while the site is typed (C2)."""
    context = {"address": _address(request.GET.get("site", ""))}
    return render(request, "exports/connections/_address.html", context)


def _open_form(request: HttpRequest, form: ConnectionForm) -> HttpResponse:
    if typed := take_typed(request):
        redisplay(form, typed, except_for=TYPED_AGAIN)
    return _show_form(request, form)


def _save(request: HttpRequest, pk: int | None) -> HttpResponse:
    with transaction.atomic():
        # Locked, so that a second form waits for this one and sees the saved values.
        locked = Connection.objects.select_for_update(no_key=True).filter(pk=pk or 0).first()
        if pk is not None and locked is None:
            return _show_deleted(request)
        form = ConnectionForm(request.POST, instance=locked)
        form.compare_with_stored()
        if not form.is_valid():
            return _show_form(request, form)
        connection = form.save_for(request.user)
    return _follow_saved(request, form, connection)


def _show_deleted(request: HttpRequest) -> HttpResponse:
    """The form as typed, without the key, for a connection that was deleted meanwhile."""
    sentence = _(
        "Somebody deleted this connection meanwhile. Save to make a new one of what is here."
    )
    messages.error(request, sentence)
    form = ConnectionForm()
    redisplay(form, request.POST, except_for=("private_key", OPENED_WITH))
    return _show_form(request, form)


def _follow_saved(
    request: HttpRequest, form: ConnectionForm, connection: Connection
) -> HttpResponse:
    message = _("Connection %(connection)s was saved.")
    messages.success(request, message % {"connection": connection.name})
    for warning in (*form.taken_over(), *form.warnings()):
        messages.warning(request, warning)
    if request.POST.get("test") == "live":
        request.session[_TEST_NOW] = connection.pk
    elif "test" in request.POST:
        return _test_and_show(request, connection)
    return redirect("connection-edit", connection.pk)


def _test_and_show(request: HttpRequest, connection: Connection) -> HttpResponse:
    steps = connection_check.test_connection(connection)
    level, sentence = result_of(connection, steps, _SENTENCES)
    messages.add_message(request, level, sentence)
    return redirect("connection-edit", connection.pk)


def _show_form(request: HttpRequest, form: ConnectionForm) -> HttpResponse:
    # Validation writes typed values into the form's instance; the page shows the stored ones.
    stored = Connection.objects.filter(pk=form.instance.pk).first()
    context = {
        "form": form,
        "connection": stored,
        "action": request.path if stored else reverse("connection-create"),
        "typed_by": typed_by(request),
        "test_now": stored is not None and request.session.pop(_TEST_NOW, None) == stored.pk,
        # A wrong site already has an error at its field.
        "address": {} if "site" in form.errors else _address(form["site"].value() or ""),
    }
    return render(request, "exports/connections/connection_form.html", context)


def _address(typed: str) -> dict[str, Any]:
    """The `url` that will be called, or the `problem` with the typed site; neither for a blank."""
    if not typed.strip():
        return {}
    try:
        site = read_callable_site(typed)
    except (SiteError, AddressRefusedError) as error:
        return {"problem": str(error)}
    return {"url": site.api_url}
