"""Every page of the product by name: its address and how to get there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, Response

from tests.browser.sample.starting import CAUTIOUS, PASSWORD, USER, SampleInstallation

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
    # Who looks at it; "" for somebody who has not logged in.
    user: str = USER
    is_empty: bool = False

    def url(self, sample: SampleInstallation) -> str:
        return self.site(sample) + self.path.format(**sample.keys)

    def login(self, sample: SampleInstallation, logins: dict[tuple[str, str], Any]) -> Any:
        """The browser state to begin with; None for somebody who has not logged in."""
        return logins[self.site(sample), self.user] if self.user else None

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
    ShownPage("login", "/login/", user=""),
    ShownPage("login to see a page", "/login/?next=/runs/", user=""),
    ShownPage(
        "login refused",
        "/login/",
        submit("Log in", User_name="accountant", Password="wrong"),
        user="",
    ),
    ShownPage(
        "login locked",
        "/login/",
        submit("Log in", User_name="locked-out", Password="guessed"),
        status=429,
        user="",
    ),
    ShownPage("form too old", "/login/", send_without_token, status=403, user=""),
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
    ShownPage("my account", "/account/"),
    ShownPage("my tokens", "/account/tokens/"),
    ShownPage("make a token", "/account/tokens/new/"),
    ShownPage("token refused", "/account/tokens/new/", press("Make the token")),
    ShownPage("token made", "/account/tokens/new/", submit("Make the token", Name="import")),
    ShownPage("tokens", "/settings/tokens/"),
    ShownPage("reference of the API", "/api/v1/docs", open_all),
    # The second factor
    ShownPage("login methods", "/account/login/"),
    ShownPage("confirm that it is you", "/account/login/confirm/"),
    ShownPage("set up an app", "/account/login/app/", open_all),
    ShownPage("code of a new app refused", "/account/login/app/", submit("Turn on", Code="123456")),
    ShownPage("add a key", "/account/login/key/"),
    ShownPage(
        "second factor",
        "/login/",
        submit("Log in", User_name=CAUTIOUS, Password=PASSWORD),
        user="",
    ),
    # Without recovery codes and without a provider; test_sign_in.py looks at those.
    ShownPage("no recovery codes", "/account/login/recovery-codes/", status=404),
    ShownPage("no codes to keep", "/account/login/recovery-codes/download/", status=404),
    ShownPage("no provider", "/login/single-sign-on/callback/", status=404, user=""),
    ShownPage("emergency link", "/login/emergency/{emergency_link}/", user=""),
    ShownPage("emergency link over", "/login/emergency/nothing/", status=410, user=""),
    # Users
    ShownPage("users", "/settings/users/"),
    ShownPage("user", "/settings/users/{person}/"),
    ShownPage("user, deactivated", "/settings/users/{former}/"),
    ShownPage("invite somebody", "/settings/users/invite/"),
    ShownPage("invitation refused", "/settings/users/invite/", submit("Make the invitation")),
    ShownPage("link made", "/settings/users/{other}/", press("Make a password link")),
    ShownPage("link of an invitation", "/link/{link}/", user=""),
    ShownPage("link for a password", "/link/{password_link}/", user=""),
    ShownPage(
        "choice refused",
        "/link/{link}/",
        submit("Set the password", User_name="two words", Password="short"),
        user="",
    ),
    ShownPage("link cut off", "/link/nothing/", status=404, user=""),
    # Home
    ShownPage("home", "/"),
    ShownPage("home, grouped", "/?group=tag&sort=newest"),
    ShownPage("home, nothing matches", "/?name=nothing&tag=Month+end"),
    ShownPage("user menu open", "/", open_user_menu),
    ShownPage("home, empty", "/", is_empty=True),
    # What other roles see
    ShownPage("home as viewer", "/", user="viewer"),
    ShownPage("home as viewer, empty", "/", user="viewer", is_empty=True),
    ShownPage("task as viewer", "/tasks/{task}/", user="viewer"),
    ShownPage("connections as viewer", "/connections/", user="viewer"),
    ShownPage("task as operator", "/tasks/{task}/", user="operator"),
    ShownPage("refused to an operator", "/tasks/new/", status=403, user="operator"),
    ShownPage("home without a role", "/", status=403, user="newcomer"),
    # Help
    ShownPage("help", "/help/"),
    ShownPage("help for operators", "/help/operators/"),
    ShownPage("reference", "/help/reference/"),
    # Schedules
    ShownPage("schedules", "/schedules/"),
    ShownPage("schedules, empty", "/schedules/", is_empty=True),
    ShownPage("new schedule", "/schedules/new/?task={task}"),
    ShownPage(
        "new schedule refused",
        "/schedules/new/?task={task}",
        submit("Save", Time_of_day="25:00", Time_zone="Europe/Atlantis"),
    ),
    ShownPage("schedule", "/schedules/{schedule}/"),
    ShownPage("schedule form", "/schedules/{schedule}/edit/"),
    ShownPage("schedule, deleting", "/schedules/{schedule}/delete/"),
    ShownPage("calendar", "/schedules/calendar/"),
    ShownPage("calendar, empty", "/schedules/calendar/", is_empty=True),
    ShownPage("due times", "/due-times/"),
    ShownPage("due times, none found", "/due-times/?state=refused&from=2090-01-01"),
    ShownPage("due times, empty", "/due-times/", is_empty=True),
    # Connections
    ShownPage("connections", "/connections/"),
    ShownPage("connections, none found", "/connections/?name=nowhere&state=failed"),
    ShownPage("housekeeping", "/settings/housekeeping/"),
    ShownPage("backups", "/settings/backups/"),
    ShownPage("audit log", "/settings/audit-log/"),
    ShownPage("audit log, nothing found", "/settings/audit-log/?who=nobody"),
    ShownPage("housekeeping, empty", "/settings/housekeeping/", is_empty=True),
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
    # Channels and messages
    ShownPage("channels", "/channels/"),
    ShownPage("channels, empty", "/channels/", is_empty=True),
    ShownPage("kinds of channels", "/channels/new/"),
    ShownPage("new channel", "/channels/new/webhook/"),
    ShownPage("new channel refused", "/channels/new/webhook/", submit("Save", Address="hooks")),
    ShownPage("channel", "/channels/{channel}/"),
    ShownPage("channel deletion", "/channels/{channel}/delete/"),
    ShownPage("messages", "/messages/"),
    ShownPage("messages, empty", "/messages/", is_empty=True),
    ShownPage("preview of messages", "/messages/preview/", open_all),
    # Tasks
    ShownPage("tasks", "/tasks/"),
    ShownPage("tasks, empty", "/tasks/", is_empty=True),
    ShownPage("tasks, filtered", "/tasks/?state=failed"),
    ShownPage("tasks, none found", "/tasks/?name=nowhere"),
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
    ShownPage("ledger, search refused", "/tasks/{task}/ledger/?batch=1-9999"),
    ShownPage("ledger, empty", "/tasks/{new_task}/ledger/"),
    ShownPage("ledger of all", "/ledger/"),
    ShownPage("ledger of all, empty", "/ledger/", is_empty=True),
    ShownPage("ledger of all, found", "/ledger/?batch=20191015172525"),
    ShownPage("ledger of all, partly", "/ledger/?batch=284-300,BATCH-12&to=2090-01-01"),
    ShownPage("ledger of all, not found", "/ledger/?batch=999999"),
    # Destinations and deliveries
    ShownPage("destinations", "/destinations/"),
    ShownPage("new destination", "/destinations/new/"),
    ShownPage("new destination by SFTP", "/destinations/new/?kind=sftp"),
    ShownPage("new destination refused", "/destinations/new/?kind=s3", submit("Save")),
    ShownPage("destination", "/destinations/{destination}/"),
    ShownPage("delete destination", "/destinations/{destination}/delete/"),
    ShownPage("export folder", "/destinations/{export_folder}/"),
    ShownPage("destinations of a task", "/tasks/{task}/destinations/"),
    ShownPage("deliveries", "/deliveries/"),
    ShownPage("deliveries, empty", "/deliveries/", is_empty=True),
    ShownPage("deliveries, failing", "/deliveries/?state=failing"),
    # Workflows
    ShownPage("workflows", "/workflows/"),
    ShownPage("workflows, empty", "/workflows/", is_empty=True),
    ShownPage("new workflow", "/workflows/new/"),
    ShownPage("new workflow refused", "/workflows/new/", submit("Save", Workflow_Name="Month end")),
    ShownPage("edit workflow", "/workflows/{workflow}/edit/"),
    ShownPage("workflow", "/workflows/{workflow}/"),
    ShownPage("workflow that never ran", "/workflows/{new_workflow}/"),
    ShownPage("runs of a workflow", "/workflows/{workflow}/runs/"),
    ShownPage("workflow run succeeded", "/workflow-runs/{workflow_run}/"),
    ShownPage("workflow run failed", "/workflow-runs/{failed_workflow_run}/"),
    ShownPage("workflow run waiting", "/workflow-runs/{waiting_workflow_run}/"),
    # Runs
    ShownPage("history", "/runs/"),
    ShownPage("history, empty", "/runs/", is_empty=True),
    ShownPage("history, filtered", "/runs/?task={task}&status=succeeded&sort=-started_at"),
    ShownPage("history, searched", "/runs/?q=expense&tag=Month+end"),
    ShownPage("history, second page", "/runs/?page=2"),
    ShownPage("months", "/runs/months/"),
    ShownPage("months, empty", "/runs/months/", is_empty=True),
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
    "attention-acknowledge": "/attention/acknowledge/",
    "attention-undo": "/attention/1/undo/",
    "task-run-selected": "/tasks/run-selected/",
    "backup-go-on": "/settings/backups/go-on/",
    "backup-take-in": "/settings/backups/take-in/",
    "factor-app-remove": "/account/login/app/remove/",
    "factor-key-remove": "/account/login/key/1/remove/",
    "recovery-codes-renew": "/account/login/recovery-codes/new/",
    "sign-on-connect": "/account/login/connect/",
    "sign-on-disconnect": "/account/login/disconnect/",
    "sign-on-start": "/login/single-sign-on/",
    "user-reset-factors": "/settings/users/{other}/reset-factors/",
    "user-role": "/settings/users/{person}/role/",
    "user-deactivate": "/settings/users/{person}/deactivate/",
    "user-activate": "/settings/users/{person}/activate/",
    "user-password-link": "/settings/users/{person}/password-link/",
    "user-end-sessions": "/settings/users/{person}/end-sessions/",
    "user-end-session": "/settings/users/{person}/sessions/1/end/",
    "invitation-renew": "/settings/invitations/{invitation}/renew/",
    "invitation-revoke": "/settings/invitations/{invitation}/revoke/",
    "account-end-session": "/account/sessions/1/end/",
    "account-end-others": "/account/sessions/end-others/",
    "account-token-revoke": "/account/tokens/{token}/revoke/",
    "api-token-revoke": "/settings/tokens/{token}/revoke/",
    "housekeeping-clean-up": "/settings/housekeeping/clean-up/",
    "schedule-outlook": "/schedules/outlook/",
    "schedule-pause": "/schedules/{schedule}/pause/",
    "schedule-resume": "/schedules/{schedule}/resume/",
    "connection-test": "/connections/{connection}/test/",
    "connection-test-live": "/connections/{connection}/test/live/",
    "channel-test": "/channels/{channel}/test/",
    "channel-test-live": "/channels/{channel}/test/live/",
    "message-again": "/messages/1/again/",
    "task-conditions": "/tasks/conditions/",
    "task-condition-check": "/tasks/conditions/0/",
    "task-description": "/tasks/{task}/description/",
    "task-run": "/tasks/{task}/run/",
    "task-archive": "/tasks/{task}/archive/",
    "task-dates": "/tasks/{task}/dates/",
    "task-undo-date": "/tasks/{task}/undo-date/",
    "task-from-now": "/tasks/{task}/from-now/",
    "task-ledger-reexport": "/tasks/{task}/ledger/re-export/",
    "workflow-steps": "/workflows/steps/",
    "workflow-start": "/workflows/{workflow}/run/",
    "workflow-archive": "/workflows/{workflow}/archive/",
    "workflow-run-cancel": "/workflow-runs/{workflow_run}/cancel/",
    "workflow-run-resume": "/workflow-runs/{workflow_run}/resume/",
    "destination-test": "/destinations/{destination}/test/",
    "destination-test-live": "/destinations/{destination}/test/live/",
    "destination-forget-host-key": "/destinations/{destination}/forget-host-key/",
    "run-redeliver": "/runs/{run}/deliver-again/",
    "delivery-try": "/deliveries/{delivery}/try/",
    "run-cancel": "/runs/{run}/cancel/",
    "run-reexport": "/runs/{run}/re-export/",
    "run-accept-count": "/runs/{run}/accept-count/",
    "run-mark": "/runs/{run}/marks/imported/",
    "run-unmark": "/runs/{run}/marks/imported/remove/",
    "logout": "/logout/",
}
# Answered to monitors, or leading on to a page.
WITHOUT_PAGE = {"admin-login", "admin-password", "health", "readiness", "metrics"}
FILES = {
    "run-download": "/runs/{run}/download/",
    "run-manifest": "/runs/{run}/proof/",
    "run-log": "/runs/{run}/log/",
    "run-list-csv": "/runs/export.csv",
    "ledger-csv": "/ledger/export.csv",
    "task-ledger-csv": "/tasks/{task}/ledger/export.csv",
    "run-list-zip": "/runs/files.zip?task={task}",
    "audit-list-csv": "/settings/audit-log/export.csv",
    "schema-download": "/batches.xsd",
}
FRAGMENTS = {
    "housekeeping-round": "/settings/housekeeping/round/",
    "connection-address": "/connections/address/?site=na.myconnectwise.net",
    "changes": "/changes/",
    "home-live": "/live/",
    "task-names": "/tasks/names/?q=Nightly",
    "run-delivery": "/runs/{run}/deliveries/{delivery}/",
    "run-progress": "/runs/{run}/progress/",
    "workflow-run-progress": "/workflow-runs/{workflow_run}/progress/",
}
