"""The list of deliveries, and the buttons that send a file again (rule D3)."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports.delivery.again import deliver_again
from exports.models import Delivery, Destination, Run
from exports.outside_numbers import read_id
from exports.reporting.deliveries import delivery_line
from exports.reporting.delivery_filters import DeliveryFilter
from exports.views.buttons import button

_ROWS_A_PAGE = 25


@require_safe
def list_deliveries(request: HttpRequest) -> HttpResponse:
    found = DeliveryFilter(request.GET)
    rows = found.rows().select_related("run").prefetch_related("attempts")
    page = Paginator(rows, _ROWS_A_PAGE).get_page(request.GET.get("page"))
    lines = [(row, delivery_line(row)) for row in page.object_list]
    kept = request.GET.copy()
    kept.pop("page", None)
    context = {"filter": found, "page": page, "lines": lines, "query": kept.urlencode()}
    return render(request, "exports/deliveries/delivery_list.html", context)


@button
def redeliver_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the file of this run to the chosen destination once more."""
    run = get_object_or_404(Run.objects.succeeded(), pk=pk)
    number = read_id(request.POST.get("destination", ""))
    destination = Destination.objects.filter(pk=number or 0).first()
    if destination is None:
        messages.error(request, _("Choose the destination that the file goes to."))
        return redirect("run-detail", pk)
    try:
        made = deliver_again(run, destination, request.user.get_username())
    except Run.DoesNotExist:
        raise Http404 from None
    params = {"file": run.file_name, "destination": destination.name}
    if made is None:
        message = _("%(file)s is on its way to %(destination)s already, and is tried now.")
        messages.info(request, message % params)
    else:
        message = _("%(file)s is being delivered to %(destination)s.")
        messages.success(request, message % {**params, "file": made.file_name})
    return redirect("run-detail", pk)


@button
def try_delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """End the pause before the next try."""
    row = get_object_or_404(Delivery.objects.select_related("run"), pk=pk)
    if row.try_now():
        messages.success(request, _("%(delivery)s is tried now.") % {"delivery": row})
    else:
        messages.info(request, _("%(delivery)s was not waiting any more.") % {"delivery": row})
    return redirect("run-detail", row.run_id)
