"""The months: what was exported, and what of it nobody has imported yet (rule M1)."""

from datetime import date, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from exports.reporting.run_filters import FIRST_DAY, LAST_DAY
from exports.reporting.run_marks import earlier_month, has_earlier, months_until


@require_safe
def list_months(request: HttpRequest) -> HttpResponse:
    """Twelve months up to `until` (2026-01), by default the present one."""
    last = _month(request.GET.get("until", ""))
    context = {
        "months": months_until(last),
        "earlier": earlier_month(last) if has_earlier(last) else None,
        "is_newest": last >= timezone.localdate().replace(day=1),
    }
    return render(request, "exports/months/month_list.html", context)


def _month(text: str) -> date:
    """The first day of that month; the present one for what is no month."""
    try:
        # Only year and month are used.
        day = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007
    except ValueError:
        day = timezone.localdate()
    # Twelve months before and one after must exist too.
    return min(max(day, FIRST_DAY.replace(year=FIRST_DAY.year + 2)), LAST_DAY).replace(day=1)
