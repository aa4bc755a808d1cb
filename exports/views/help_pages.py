"""Help: what to do when, for accountants and for who runs the installation; and the reference.

Each section is a row below and a template named after its anchor. The pages of the product lead to
these anchors by `exports/templatetags/navigation.py` (rule U1).
"""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from exports.access.rights import may
from exports.reporting.reference import reference_tables
from exports.templatetags.navigation import page_label


@dataclass(frozen=True)
class HelpSection:
    """A heading, and the URL names of the pages of the navigation that it speaks of."""

    anchor: str
    title: str | Promise
    pages: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        return f"exports/help/sections/{self.anchor.replace('-', '_')}.html"


FOR_ACCOUNTANTS: Final = (
    HelpSection("promise", gettext_lazy("What you can rely on")),
    HelpSection("each-day", gettext_lazy("What to look at each day"), ("home",)),
    HelpSection("export", gettext_lazy("Run an export"), ("task-list",)),
    HelpSection("proof", gettext_lazy("Prove that nothing is missing"), ("run-list",)),
    HelpSection("suspicious", gettext_lazy("A run is suspicious"), ("run-list",)),
    HelpSection("failed", gettext_lazy("A run failed"), ("home", "run-list")),
    HelpSection("ledger", gettext_lazy("Did this batch go out?"), ("ledger",)),
    HelpSection("missing", gettext_lazy("A batch is missing"), ("ledger", "task-list")),
    HelpSection("twice", gettext_lazy("A batch seems to be there twice"), ("ledger",)),
    HelpSection("again", gettext_lazy("Export the same batches again"), ("run-list", "ledger")),
    HelpSection("not-delivered", gettext_lazy("A file did not arrive"), ("delivery-list",)),
    HelpSection("month", gettext_lazy("Close a month"), ("month-list", "run-list")),
    HelpSection("restored", gettext_lazy("After a backup was restored"), ("backups",)),
    HelpSection("own-login", gettext_lazy("Your own login")),
)
FOR_OPERATORS: Final = (
    HelpSection("set-up", gettext_lazy("From nothing to the first file"), ("home",)),
    HelpSection("connection", gettext_lazy("Connections"), ("connection-list",)),
    HelpSection("task", gettext_lazy("Tasks"), ("task-list",)),
    HelpSection("workflow", gettext_lazy("Workflows"), ("workflow-list",)),
    HelpSection("schedule", gettext_lazy("Schedules"), ("schedule-list", "calendar")),
    HelpSection("due-times", gettext_lazy("Due times"), ("due-time-list",)),
    HelpSection("destination", gettext_lazy("Destinations"), ("destination-list",)),
    HelpSection("channel", gettext_lazy("Channels and messages"), ("channel-list", "message-list")),
    HelpSection("users", gettext_lazy("Users and roles"), ("user-list",)),
    HelpSection("logging-in", gettext_lazy("Second factor and single sign-on"), ("user-list",)),
    HelpSection("tokens", gettext_lazy("Tokens and the API"), ("api-token-list",)),
    HelpSection("audit-log", gettext_lazy("Audit log"), ("audit-list",)),
    HelpSection("backups", gettext_lazy("Backup, restore, upgrade"), ("backups",)),
    HelpSection("housekeeping", gettext_lazy("Housekeeping"), ("housekeeping",)),
    HelpSection("queue", gettext_lazy("The queue is out of reach"), ("home",)),
    HelpSection("monitoring", gettext_lazy("Metrics and logs")),
    HelpSection("moving", gettext_lazy("Move to another machine"), ("backups",)),
)


@require_safe
def show_help(request: HttpRequest) -> HttpResponse:
    title = gettext_lazy("Help for accountants")
    lead = gettext_lazy("What an export promises, and what to do when something is not as usual.")
    return _show(request, title, lead, FOR_ACCOUNTANTS)


@require_safe
def show_operator_help(request: HttpRequest) -> HttpResponse:
    title = gettext_lazy("Help for operators and admins")
    lead = gettext_lazy("Set it up, let people in, keep it running.")
    return _show(request, title, lead, FOR_OPERATORS)


@require_safe
def show_reference(request: HttpRequest) -> HttpResponse:
    return render(request, "exports/help/reference.html", {"tables": reference_tables()})


def _show(
    request: HttpRequest, title: Promise, lead: Promise, sections: tuple[HelpSection, ...]
) -> HttpResponse:
    shown = [(section, _links(request, section)) for section in sections]
    context = {"title": title, "lead": lead, "sections": shown}
    return render(request, "exports/help/help.html", context)


def _links(request: HttpRequest, section: HelpSection) -> list[tuple[str, str]]:
    """Address and name of the section's pages that this person may open."""
    allowed = (name for name in section.pages if may(request.user, name))
    return [(reverse(name), str(page_label(name))) for name in allowed]
