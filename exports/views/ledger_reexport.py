"""Exports batches that were chosen from the ledger again (rule R7)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from exports.connectwise.filter import conditions
from exports.connectwise.http import client
from exports.connectwise.http.sites import SiteError
from exports.forms.ledger import BatchIdsField
from exports.models import LedgerEntry, Task
from exports.outside_numbers import LARGEST_ID
from exports.views.buttons import button
from exports.views.queueing import queue_and_follow
from exports.workers import jobs


@button
def reexport_batches(request: HttpRequest, pk: int) -> HttpResponse:
    """Export the chosen batches again in their current state; no date moves."""
    task = get_object_or_404(Task.objects.select_related("connection"), pk=pk)
    page = _page(request, pk)
    # The page of all tasks has boxes of each, with the task in their name.
    chosen = [*request.POST.getlist("batch"), *request.POST.getlist(f"batch-{pk}")]
    try:
        ids = BatchIdsField(required=False).clean(" ".join(chosen))
        _check(task, ids)
    except ValidationError as error:
        messages.error(request, error.message)
        return redirect(page)
    return queue_and_follow(
        request,
        lambda: jobs.queue_reexport(task, request.user, batch_ids=ids),
        back=page,
    )


def _page(request: HttpRequest, pk: int) -> str:
    """The search whose results the batches were chosen from."""
    is_of_all = request.POST.get("of") == "all"
    page = reverse("ledger") if is_of_all else reverse("task-ledger", args=[pk])
    back = request.POST.get("back", "")
    return page + back if back.startswith("?") else page


def _check(task: Task, ids: list[int]) -> None:
    """Raise ValidationError for batches that this task cannot export again."""
    if not ids:
        message = _("Choose the batches of %(task)s to export again: mark at least one.")
        raise ValidationError(message % {"task": task})
    connection = task.connection
    ours = LedgerEntry.objects.sent_by(task).filter(
        task=task,
        batch_id__in=ids,
        run__site=connection.site,
        run__company=connection.company,
    )
    known = set(ours.values_list("batch_id", flat=True))
    missing = [str(batch_id) for batch_id in ids if batch_id not in known]
    if missing:
        message = _(
            "This task has not exported %(batches)s from %(company)s at %(site)s. Choose batches "
            "that it has."
        )
        where = {"company": connection.company, "site": connection.site}
        raise ValidationError(message % {"batches": ", ".join(missing), **where})
    longest = conditions.both(conditions.id_among(ids), conditions.id_above(LARGEST_ID))
    try:
        length = client.full_url_length(connection.parsed_site(), longest, task.page_size)
    except SiteError as error:
        raise ValidationError(str(error)) from error
    if length >= conditions.MAX_URL_LENGTH:
        raise ValidationError(
            _("Their ids make an address that is too long. Choose fewer batches.")
        )
