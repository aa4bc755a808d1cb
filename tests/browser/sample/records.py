"""The content of the sample installation: three connections and an accountant's usual tasks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from exports.connectwise.filter.conditions import Condition
from exports.demo.account import Account
from exports.demo.server import StandIn
from exports.models import Connection, Task

# Dates from the setup of the installation on, so that earlier years are not exported.
REACHES_BACK = timedelta(days=120)
NIGHTLY, EXPENSES, PRODUCTS = "Nightly invoices", "Expense batches", "Product batches"
ARCHIVE, AUDIT, CLOSING = "Month-end archive", "Copy for the auditor", "Closing of the year"
TRIAL, FORMER = "Trial of a filter", "Batches of the former company"
SANDBOX = "Rehearsal in the sandbox"


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
    ),
    Part(
        "failed_task",
        EXPENSES,
        "new",
        "expenses-{date}-{run}.xml",
        (Condition("exportExpensesFlag", "Equal", "True"),),
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
        enabled=part.is_enabled,
        date_created=begins_at,
        date_modified=begins_at,
    )
    task.replace_conditions(part.conditions)
    task.record_typed_dates(None, user, "Set up")
    return task
