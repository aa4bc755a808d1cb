"""The navigation: six sections in the top bar, and the pages of a section as tabs.

Tags: {% nav_sections %}  {% nav_pages %}  {% task_links tasks %}

A new page is one row below. A page belongs to the first row whose URL name it has, or with one of
whose nouns its URL name begins: `task-edit` to `task`. The word Help leads to the place in Help
that speaks of the page on which it is pressed (rule U1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from exports.access.rights import may
from exports.models import Task

register = template.Library()


@dataclass(frozen=True)
class Page:
    """A page with a tab of its own: its label, its URL name, and the first words of its others.

    `help_place` is where Help speaks of it: the URL name of a page of Help and an anchor.
    """

    label: str | Promise
    url_name: str
    help_place: str
    nouns: tuple[str, ...] = ()

    def holds(self, url_name: str) -> bool:
        return url_name == self.url_name or url_name.startswith(
            tuple(f"{noun}-" for noun in self.nouns)
        )


@dataclass(frozen=True)
class Section:
    """A word of the top bar; it leads to the first of its pages that the person may open."""

    label: str | Promise
    pages: tuple[Page, ...]

    def page_of(self, url_name: str) -> Page | None:
        return next((page for page in self.pages if page.holds(url_name)), None)


SECTIONS = (
    Section(gettext_lazy("Home"), (Page(gettext_lazy("Home"), "home", "help#each-day"),)),
    Section(
        gettext_lazy("Tasks"),
        (
            Page(gettext_lazy("Tasks"), "task-list", "help#export", ("task",)),
            Page(
                gettext_lazy("Workflows"), "workflow-list", "help-operators#workflow", ("workflow",)
            ),
            Page(
                gettext_lazy("Schedules"), "schedule-list", "help-operators#schedule", ("schedule",)
            ),
            Page(gettext_lazy("Calendar"), "calendar", "help-operators#schedule"),
        ),
    ),
    Section(
        gettext_lazy("History"),
        (
            Page(gettext_lazy("Runs"), "run-list", "help#proof", ("run",)),
            Page(gettext_lazy("Months"), "month-list", "help#month"),
            Page(gettext_lazy("Ledger"), "ledger", "help#ledger", ("ledger",)),
            Page(gettext_lazy("Deliveries"), "delivery-list", "help#not-delivered", ("delivery",)),
            Page(gettext_lazy("Due times"), "due-time-list", "help-operators#due-times"),
        ),
    ),
    Section(
        gettext_lazy("Connections"),
        (
            Page(
                gettext_lazy("Connections"),
                "connection-list",
                "help-operators#connection",
                ("connection",),
            ),
            Page(
                gettext_lazy("Destinations"),
                "destination-list",
                "help-operators#destination",
                ("destination",),
            ),
            Page(gettext_lazy("Channels"), "channel-list", "help-operators#channel", ("channel",)),
            Page(gettext_lazy("Messages"), "message-list", "help-operators#channel", ("message",)),
        ),
    ),
    Section(
        gettext_lazy("Settings"),
        (
            Page(
                gettext_lazy("Housekeeping"),
                "housekeeping",
                "help-operators#housekeeping",
                ("housekeeping",),
            ),
            Page(
                gettext_lazy("Users"), "user-list", "help-operators#users", ("user", "invitation")
            ),
            Page(gettext_lazy("Backups"), "backups", "help-operators#backups", ("backup",)),
            Page(gettext_lazy("Tokens"), "api-token-list", "help-operators#tokens", ("api-token",)),
            Page(gettext_lazy("Audit log"), "audit-list", "help-operators#audit-log", ("audit",)),
        ),
    ),
    Section(
        gettext_lazy("Help"),
        (
            Page(gettext_lazy("For accountants"), "help", "help"),
            Page(gettext_lazy("For operators and admins"), "help-operators", "help-operators"),
            Page(gettext_lazy("Reference"), "help-reference", "help-reference"),
        ),
    ),
)
# Pages behind one's own name, which have no tab.
OWN_PAGES = Page(
    gettext_lazy("My account"),
    "account",
    "help#own-login",
    ("account", "password", "login", "factor", "recovery-codes", "sign-on"),
)


# Where Help speaks of pages without a tab, other than where it speaks of the tab they belong to.
HELP_PLACES = {
    "task-create": "help-operators#task",
    "task-edit": "help-operators#task",
    "task-clone": "help-operators#task",
    "task-destinations": "help-operators#destination",
    "task-ledger": "help#ledger",
    "docs": "help-operators#tokens",
}


@register.inclusion_tag("_nav_sections.html", takes_context=True)
def nav_sections(context: Context) -> dict[str, Any]:
    """The words of the top bar, the section of the current page marked."""
    url_name = _url_name(context)
    current = _section_of(url_name)
    links = [
        {
            "label": section.label,
            "url": help_url(url_name) if section is SECTIONS[-1] else reverse(pages[0].url_name),
            "is_current": section is current,
        }
        for section in SECTIONS
        if (pages := _allowed_pages(context, section))
    ]
    return {"links": links}


@register.inclusion_tag("_nav_pages.html", takes_context=True)
def nav_pages(context: Context) -> dict[str, Any]:
    """The tabs of the current page's section; none when it has a single page."""
    url_name = _url_name(context)
    section = _section_of(url_name)
    pages = _allowed_pages(context, section) if section else []
    if section is None or len(pages) < 2:
        return {"links": []}
    current = section.page_of(url_name)
    links = [
        {"label": page.label, "url": reverse(page.url_name), "is_current": page is current}
        for page in pages
    ]
    return {"label": section.label, "links": links}


@register.simple_tag
def task_links(tasks: Iterable[Task]) -> SafeString:
    """Their names, each leading to its page; without a template, as a list has many."""
    links = ((reverse("task-detail", args=[task.pk]), task.name) for task in tasks)
    return format_html_join(", ", '<a href="{}">{}</a>', links)


def help_url(url_name: str) -> str:
    """Where Help speaks of that page; its first page for what is in no row."""
    place = HELP_PLACES.get(url_name) or _help_place(url_name)
    help_page, _, anchor = place.partition("#")
    return reverse(help_page) + (f"#{anchor}" if anchor else "")


def _help_place(url_name: str) -> str:
    if OWN_PAGES.holds(url_name):
        return OWN_PAGES.help_place
    section = _section_of(url_name)
    page = section.page_of(url_name) if section else None
    return page.help_place if page else "help"


def page_label(url_name: str) -> str | Promise:
    """What the navigation calls the page."""
    pages = (page for section in SECTIONS for page in section.pages)
    return next(page.label for page in pages if page.url_name == url_name)


def _allowed_pages(context: Context, section: Section) -> list[Page]:
    """What the rights table lets this person open."""
    user = context["request"].user
    return [page for page in section.pages if may(user, page.url_name)]


def _section_of(url_name: str) -> Section | None:
    return next((section for section in SECTIONS if section.page_of(url_name)), None)


def _url_name(context: Context) -> str:
    match = getattr(context.get("request"), "resolver_match", None)
    return (match and match.url_name) or ""
