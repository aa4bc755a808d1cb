"""The page of housekeeping: space used, what goes next, *Clean up now* (rules G1, G3)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports import clock
from exports.housekeeping.retention import Policy
from exports.models import HousekeepingRound
from exports.reporting.space import next_round, space_used
from exports.storage import files
from exports.views.buttons import button
from exports.workers import jobs


@require_safe
def show_housekeeping(request: HttpRequest) -> HttpResponse:
    now, policy = clock.now(), Policy.of_settings()
    context = {
        **_last_round(),
        "policy": policy,
        "space": space_used(),
        "coming": next_round(policy, now),
        "files_place": files.store().where(),
    }
    return render(request, "exports/housekeeping/housekeeping.html", context)


@require_safe
def show_round(request: HttpRequest) -> HttpResponse:
    """The last round, as the page asks for it while one is active."""
    context = {**_last_round(), "is_polled": True}
    return render(request, "exports/housekeeping/_round.html", context)


@button
def clean_up(request: HttpRequest) -> HttpResponse:
    """Ask for a round; a worker takes it within a minute."""
    row = HousekeepingRound.objects.ask(
        HousekeepingRound.Trigger.MANUAL, clock.now(), requested_by=request.user
    )
    if row is None:
        messages.info(request, _("Housekeeping is about to start already."))
    return redirect("housekeeping")


def _last_round() -> dict[str, object]:
    active = HousekeepingRound.objects.active().order_by("id").first()
    return {
        "active": active,
        "last": HousekeepingRound.objects.ended().select_related("requested_by").first(),
        "has_worker": active is None or jobs.any_worker_alive(),
    }
