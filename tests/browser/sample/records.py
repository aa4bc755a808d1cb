"""The content of the sample installation: three connections and an accountant's usual tasks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from exports.access.roles import Role, set_role
from exports.connectwise.filter.conditions import Condition
from exports.demo.account import Account
from exports.demo.server import StandIn
from exports.models import ApiToken, Channel, Connection, Destination, OneTimeLink, Task
from exports.models.codes import EventCode
from exports.models.emergency_logins import EmergencyLogin, issue_emergency_login
from exports.models.joining import issue_password_link
from exports.models.one_time_links import invite
from exports.sign_in import factors
from tests.browser.sample.starting import CAUTIOUS, PASSWORD

# Dates from the setup of the installation on, so that earlier years are not exported.
REACHES_BACK = timedelta(days=120)
NIGHTLY, EXPENSES, PRODUCTS = "Nightly invoices", "Expense batches", "Product batches"
ARCHIVE, AUDIT, CLOSING = "Month-end archive", "Copy for the auditor", "Closing of the year"
TRIAL, FORMER = "Trial of a filter", "Batches of the former company"
SANDBOX = "Rehearsal in the sandbox"

_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Tq3mWlqLwMVoyhTxvvFbxnFQ8GEtgUwLHnGfbYq7c"


@dataclass(frozen=True)
class Part:
    """A task to set up; `key` is its name in the catalogue of pages."""

    key: str
    name: str
    export: str
    output_file: str
    conditions: tuple[Condition, ...] = ()
    page_size: int = 100
    is_enabled: bool = True
    tags: str = ""


PARTS = (
    Part(
        "task",
        NIGHTLY,
        "modified",
        "invoices-{date}-{run}.xml",
        (
            Condition("exportInvoicesFlag", "Equal", "True", "Or"),
            Condition("batchIdentifier", "Contains", '"2026"', "And"),
            Condition("_info/updatedBy", "In", '("Admin1", "Accounts")'),
        ),
        tags="Daily, Month end",
    ),
    Part(
        "failed_task",
        EXPENSES,
        "new",
        "expenses-{date}-{run}.xml",
        (Condition("exportExpensesFlag", "Equal", "True"),),
        tags="Month end",
    ),
    Part(
        "suspicious_task",
        PRODUCTS,
        "modified",
        "products.xml",
        (Condition("exportProductsFlag", "Equal", "True"),),
    ),
    Part("queued_task", ARCHIVE, "all", "archive-{run}.xml", page_size=1000),
    Part("running_task", AUDIT, "all", "auditor-{run}.xml", page_size=5),
    Part("cancelled_task", CLOSING, "all", "closing-{run}.xml", page_size=20),
    Part(
        "new_task",
        TRIAL,
        "new",
        "trial-{run}.xml",
        (Condition("closedFlag", "Equal", "True"),),
        is_enabled=False,
    ),
    Part("archived_task", FORMER, "all", "former.xml", page_size=1000),
)


def make_connections(stand_in: StandIn) -> dict[str, int]:
    """One that works, one with an unknown company, one that no task uses; by key."""
    account = Account()
    acme = _connection(stand_in.url, "Acme Accounting", account.company)
    sandbox = _connection(stand_in.url, "Acme Sandbox", "acme_sandbox")
    training = _connection(stand_in.url, "Acme Training", account.company)
    return {
        "connection": acme.pk,
        "failed_connection": sandbox.pk,
        "unused_connection": training.pk,
    }


def make_channels() -> dict[str, int]:
    """A mail address without a mail server, and a chat that nobody answers; by key."""
    mail = Channel.objects.create(
        name="Accounting", kind="email", settings={"to": "accounting@example.com"}
    )
    chat = Channel(name="Operations", kind="slack", language="de")
    chat.write_secrets({"url": "http://127.0.0.1:9/services/secret"})
    chat.save()
    for channel in (mail, chat):
        channel.subscribe(list(EventCode.values))
    return {"channel": mail.pk, "chat": chat.pk}


def make_users() -> dict[str, int | str]:
    """A viewer, somebody deactivated, two invitations of which one is too old, links; by key."""
    controller = User.objects.create_user("controller", "controller@example.com")
    set_role(controller, Role.VIEWER)
    other = User.objects.create_user("forgetful")
    former = User.objects.create_user("former-clerk", is_active=False)
    cautious = User.objects.create_user(CAUTIOUS, password=PASSWORD)
    factors.add_app(cautious, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", step=0)
    invitation, token = invite(Role.OPERATOR, "accountant", email="clerk@example.com")
    late, _token = invite(Role.VIEWER, "accountant", user_name="auditor")
    OneTimeLink.objects.filter(pk=late.pk).update(expires_at=datetime.now(UTC))
    _link, password_token = issue_password_link(controller, "accountant")
    emergency_token = issue_emergency_login(other)
    # It lives for minutes; the tests that look at its page may come later.
    EmergencyLogin.objects.update(expires_at=datetime.now(UTC) + timedelta(days=1))
    accountant = User.objects.get(username="accountant")
    api_token, _text = ApiToken.objects.issue(accountant, "Ledger import", "run", 90)
    ApiToken.objects.issue(controller, "Report", "read", 30)[0].revoke(accountant)
    return {
        "person": controller.pk,
        "other": other.pk,
        "former": former.pk,
        "invitation": invitation.pk,
        "link": token,
        "password_link": password_token,
        "token": api_token.pk,
        "emergency_link": emergency_token,
    }


def make_destinations() -> dict[str, int]:
    """The export folder, and a server whose host key was pinned."""
    server = Destination(name="Acme's server", kind="sftp", host_key=_HOST_KEY)
    server.address = {"host": "sftp.example.com", "port": 22, "user": "acme", "folder": "/in"}
    server.write_secrets({"password": "sample-password"})
    server.save()
    return {"destination": server.pk, "export_folder": Destination.objects.export_folder().pk}


def make_tasks(connection: Connection, sandbox: Connection, user: User) -> dict[str, int]:
    keys = {part.key: _task(part, connection, user).pk for part in PARTS}
    rehearsal = Part("sandbox_task", SANDBOX, "all", "rehearsal.xml")
    return keys | {rehearsal.key: _task(rehearsal, sandbox, user).pk}


def _connection(site: str, name: str, company: str) -> Connection:
    account = Account()
    made = Connection(
        name=name,
        site=site,
        company=company,
        public_key=account.public_key,
        client_id=account.client_id,
    )
    made.write_private_key(account.private_key)
    made.save()
    return made


def _task(part: Part, connection: Connection, user: User) -> Task:
    begins_at = datetime.now(UTC).replace(microsecond=0) - REACHES_BACK
    task = Task.objects.create(
        name=part.name,
        connection=connection,
        export=part.export,
        output_file=part.output_file,
        page_size=part.page_size,
        tags=part.tags,
        enabled=part.is_enabled,
        date_created=begins_at,
        date_modified=begins_at,
    )
    task.replace_conditions(part.conditions)
    task.record_typed_dates(None, user, "Set up")
    return task
