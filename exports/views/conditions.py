"""The rows of the condition editor while they are edited; nothing is saved here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from exports.forms.conditions import posted_rows
from exports.forms.row_actions import rows_after


@require_POST
def change_condition_rows(request: HttpRequest) -> HttpResponse:
    """The rows alone, after one of their buttons was pressed."""
    rows = rows_after(request.POST, request.POST.get("row_action", ""))
    response = render(request, "exports/conditions/_rows_changed.html", {"rows": rows})
    # Another part of the page shows the resulting filter.
    return trigger_client_event(response, "conditions-changed", after="swap")


@require_POST
def check_condition(request: HttpRequest, position: int) -> HttpResponse:
    """What the page shows beside one row: choices, example, hint and error."""
    forms = posted_rows(request.POST).forms
    if position >= len(forms):
        # The page is replacing the rows right now.
        return HttpResponse(status=204)
    return render(request, "exports/conditions/_checked.html", {"row": forms[position]})
