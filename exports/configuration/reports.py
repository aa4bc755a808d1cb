"""The report of a task or workflow in a configuration file (rule N5)."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from exports.configuration.known_names import nearest
from exports.configuration.plans import Plan, shown
from exports.models import Channel
from exports.models.reports import Reported

# They stay when the file does not mention them.
_KEPT: Final = ("report", "report_with_log", "report_with_file")


def typed_report(plan: Plan[Any], channels: Mapping[str, Channel]) -> dict[str, str]:
    """The report as form data; what the entry does not mention stays."""
    typed = {}
    for name in _KEPT:
        value = plan.entry.values.get(name, getattr(plan.row, name))
        if value is not False:
            typed[name] = "on" if value is True else str(value)
    if (channel := _channel(plan, channels)) is not None:
        typed["report_channel"] = str(channel.pk)
    return typed


def written_report(row: Reported) -> dict[str, Any]:
    """The report as a file says it; nothing for a row that reports to nobody."""
    if row.report_channel is None:
        return {}
    return {
        "report": row.report,
        "report_channel": row.report_channel.name,
        "report_with_log": row.report_with_log,
        "report_with_file": row.report_with_file,
    }


def _channel(plan: Plan[Any], channels: Mapping[str, Channel]) -> Channel | None:
    """The channel that the entry names, or the one that is stored."""
    if "report_channel" not in plan.entry.lines:
        stored: Channel | None = plan.row.report_channel
        return stored
    name = plan.entry.values.get("report_channel") or ""
    chosen = channels.get(name)
    if name and chosen is None:
        unknown = _("There is no channel %(channel)s.") % {"channel": shown(name)}
        plan.add_error("report_channel", f"{unknown} {nearest(name, list(channels))}")
    return chosen
