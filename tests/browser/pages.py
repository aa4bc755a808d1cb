"""Every page of the product by name: its address and how to get there."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, Response

from tests.browser.sample.starting import SampleInstallation

Arrival = Callable[[Page], None]


@dataclass(frozen=True)
class ShownPage:
    """A page in one state.

    `path` may name keys of the sample; `arrive` are the steps until the state is reached. `status`
    is the final response's status. `is_empty`: from the installation without data.
    """

    name: str
    path: str
    arrive: Arrival | None = None
    status: int = 200
    is_signed_in: bool = True
    is_empty: bool = False

    def url(self, sample: SampleInstallation) -> str:
        return self.site(sample) + self.path.format(**sample.keys)

    def site(self, sample: SampleInstallation) -> str:
        return sample.empty_url if self.is_empty else sample.url

    def open(self, page: Page, sample: SampleInstallation) -> None:
        """Go there; the page is complete when this returns."""
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))
        page.goto(self.url(sample))
        if self.arrive:
            self.arrive(page)
        asked = (one for one in answers if one.request.is_navigation_request())
        shown = [one.status for one in asked if not 300 <= one.status < 400]
        # Otherwise the tests would examine the login or an error page instead.
        assert shown == [200] * (len(shown) - 1) + [self.status], (self.name, shown)


def press(name: str) -> Arrival:
    """Press the first button of the main part with this label, and wait for the next page."""

    def arrive(page: Page) -> None:
        with page.expect_navigation():
            page.get_by_role("main").get_by_role("button", name=name, exact=True).first.click()

    return arrive


def submit(button: str, **typed: str) -> Arrival:
    """Fill in the fields with these labels (_ for a blank), then press the button."""

    def arrive(page: Page) -> None:
        for label, text in typed.items():
            page.get_by_label(label.replace("_", " ")).first.fill(text)
        press(button)(page)

    return arrive


def open_all(page: Page) -> None:
    """Expand everything that is collapsed in the main part."""
    page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")


def open_user_menu(page: Page) -> None:
    page.locator(".usermenu").click()


def send_without_token(page: Page) -> None:
    page.context.clear_cookies(name=re.compile("^cwexport_csrf"))
    submit("Log in", User_name="nobody", Password="nothing")(page)


def type_wrong_task(page: Page) -> None:
    page.get_by_label("Task Name").fill("Nightly invoices")
    page.get_by_label("Field").first.fill("batchIdentifier")
    page.get_by_label("Comparison").first.select_option("Equal")
    page.get_by_label("Value").first.fill("not quoted")
    page.get_by_label("Page Size", exact=True).fill("5000")
    page.get_by_label("Output File").fill("../batches.xml")
    press("Save")(page)


def preview_now(page: Page) -> None:
    page.get_by_role("link", name="Preview now").click()
    page.locator("#preview-heading").wait_for()


def preview_in_form(page: Page) -> None:
    page.get_by_role("button", name="Preview").click()
    page.locator("#preview-heading").wait_for()


def preview_new_task(page: Page) -> None:
    """As without JavaScript: a separate page, with everything that was typed."""
    page.get_by_label("Task Name").fill("Not saved yet")
    page.get_by_label("Output File").fill("not-saved.xml")
    with page.expect_navigation():
        page.get_by_role("button", name="Preview").evaluate(
            "button => { button.form.action = button.formAction;"
            " HTMLFormElement.prototype.submit.call(button.form); }"
        )


def type_wrong_date(page: Page) -> None:
    open_all(page)
    page.get_by_label("Date Modified").fill("yesterday")
    page.get_by_label("Date Modified").press("Enter")
    page.wait_for_load_state()


PAGES = (
    # Before the login
    ShownPage("login", "/login/", is_signed_in=False),
    ShownPage("login to see a page", "/login/?next=/runs/", is_signed_in=False),
    ShownPage(
        "login refused",
        "/login/",
        submit("Log in", User_name="accountant", Password="wrong"),
        is_signed_in=False,
    ),
    ShownPage(
        "login locked",
        "/login/",
        submit("Log in", User_name="locked-out", Password="guessed"),
        status=429,
        is_signed_in=False,
    ),
    ShownPage("form too old", "/login/", send_without_token, status=403, is_signed_in=False),
    # Faults
    ShownPage("page not found", "/nowhere/", status=404),
    ShownPage("run not found", "/runs/999999/", status=404),
    ShownPage("address of a button", "/tasks/{task}/run/", status=405),
    ShownPage("request not understood", "/faults/400/", status=400),
    ShownPage("not allowed", "/faults/403/", status=403),
    ShownPage("fault of the server", "/faults/500/", status=500),
    # The account
    ShownPage("password", "/password/"),
    ShownPage(
        "password refused",
        "/password/",
        submit(
            "Change password", Old_password="x", New_password="y", New_password_confirmation="z"
        ),
    ),
    # Home
    ShownPage("home", "/"),
    ShownPage("user menu open", "/", open_user_menu),
    ShownPage("home, empty", "/", is_empty=True),
    # Connections
    ShownPage("connections", "/connections/"),
    ShownPage("connections, empty", "/connections/", is_empty=True),
    ShownPage("new connection", "/connections/new/"),
    ShownPage("new connection, first", "/connections/new/", is_empty=True),
    ShownPage(
        "new connection refused",
        "/connections/new/",
        submit("Save", Site="ftp://na.myconnectwise.net"),
    ),
    ShownPage("connection tested", "/connections/{connection}/"),
    ShownPage("connection after failed test", "/connections/{failed_connection}/"),
    ShownPage("connection never tested", "/connections/{unused_connection}/"),
    ShownPage("connection refused", "/connections/{connection}/", submit("Save", Company="other")),
    ShownPage("connection in use, deletion", "/connections/{connection}/delete/"),
    ShownPage("connection deletion", "/connections/{unused_connection}/delete/"),
    # Tasks
    ShownPage("new task", "/tasks/new/"),
    ShownPage("new task refused", "/tasks/new/", type_wrong_task),
    ShownPage("edit task", "/tasks/{task}/edit/"),
    ShownPage("copy of a task", "/tasks/{task}/clone/"),
    ShownPage("preview, asked first", "/tasks/{failed_task}/preview/"),
    ShownPage("preview", "/tasks/{failed_task}/preview/", preview_now),
    ShownPage("preview of many", "/tasks/{queued_task}/preview/", preview_now),
    ShownPage("preview of nothing", "/tasks/{suspicious_task}/preview/", preview_now),
    ShownPage("preview refused", "/tasks/{sandbox_task}/preview/", preview_now),
    ShownPage("preview in the form", "/tasks/{task}/edit/", preview_in_form),
    ShownPage("preview of a new task", "/tasks/new/", preview_new_task),
    ShownPage("task", "/tasks/{task}/"),
    ShownPage("task, unfolded", "/tasks/{task}/", open_all),
    ShownPage("task, date refused", "/tasks/{suspicious_task}/", type_wrong_date),
    ShownPage("task that failed", "/tasks/{failed_task}/"),
    ShownPage("task that waits", "/tasks/{queued_task}/"),
    ShownPage("task that runs", "/tasks/{running_task}/"),
    ShownPage("task that never ran", "/tasks/{new_task}/"),
    ShownPage("task, archived", "/tasks/{archived_task}/"),
    ShownPage("ledger", "/tasks/{task}/ledger/"),
    ShownPage("ledger, found", "/tasks/{archived_task}/ledger/?batch=284"),
    ShownPage("ledger, not found", "/tasks/{task}/ledger/?batch=999999"),
    ShownPage("ledger, search refused", "/tasks/{task}/ledger/?batch=none"),
    ShownPage("ledger, empty", "/tasks/{new_task}/ledger/"),
    # Runs
    ShownPage("history", "/runs/"),
    ShownPage("history, empty", "/runs/", is_empty=True),
    ShownPage("history, filtered", "/runs/?task={task}&status=succeeded&sort=-started_at"),
    ShownPage("history, second page", "/runs/?page=2"),
    ShownPage("history, nothing matches", "/runs/?task={new_task}"),
    ShownPage("history, filter refused", "/runs/?status=burnt"),
    ShownPage("run succeeded", "/runs/{run}/", open_all),
    ShownPage("run failed", "/runs/{failed_run}/"),
    ShownPage("run suspicious", "/runs/{suspicious_run}/"),
    ShownPage("run cancelled", "/runs/{cancelled_run}/"),
    ShownPage("run running", "/runs/{running_run}/"),
    ShownPage("run queued, no worker", "/runs/{queued_run}/"),
    ShownPage("run of export again", "/runs/{again_run}/"),
    ShownPage("file", "/runs/{run}/file/"),
    ShownPage("file, large", "/runs/{large_run}/file/"),
    ShownPage("file to show gone", "/runs/{lost_file_run}/file/", status=410),
    ShownPage("file gone", "/runs/{lost_file_run}/download/", status=410),
    ShownPage("file never made", "/runs/{failed_run}/download/", status=404),
)

# Addresses without a page, and what each is instead; test_pages.py checks each.
CHANGES = {
    "connection-test": "/connections/{connection}/test/",
    "connection-test-live": "/connections/{connection}/test/live/",
    "task-conditions": "/tasks/conditions/",
    "task-condition-check": "/tasks/conditions/0/",
    "task-description": "/tasks/{task}/description/",
    "task-run": "/tasks/{task}/run/",
    "task-archive": "/tasks/{task}/archive/",
    "task-dates": "/tasks/{task}/dates/",
    "task-undo-date": "/tasks/{task}/undo-date/",
    "task-from-now": "/tasks/{task}/from-now/",
    "task-ledger-reexport": "/tasks/{task}/ledger/re-export/",
    "run-cancel": "/runs/{run}/cancel/",
    "run-reexport": "/runs/{run}/re-export/",
    "run-accept-count": "/runs/{run}/accept-count/",
    "logout": "/logout/",
}
FILES = {
    "run-download": "/runs/{run}/download/",
    "run-manifest": "/runs/{run}/proof/",
    "run-log": "/runs/{run}/log/",
    "run-list-csv": "/runs/export.csv",
    "schema-download": "/batches.xsd",
}
FRAGMENTS = {
    "connection-address": "/connections/address/?site=na.myconnectwise.net",
    "home-live": "/live/",
    "run-delivery": "/runs/{run}/delivery/export_folder/",
    "run-progress": "/runs/{run}/progress/",
}
