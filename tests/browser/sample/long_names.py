"""One of each thing with a name as long as names may be: a single word, or many."""

from datetime import UTC, datetime

from django.contrib.auth.models import User

from exports.models import ApiToken, Channel, Connection, Destination, Schedule, Task, Workflow
from exports.schedules.planning import save_planned

WORD = ("Konzernbuchhaltungsstammdatenabgleich" * 3)[:100]
WORDS = "The batches of each subsidiary that is closed together with its parent, kept for auditors"


def make_long_names(user: User) -> list[Task]:
    """One of each thing; returns the tasks, whose runs show all names in the lists."""
    connection = Connection.objects.get(name="Acme Accounting")
    connection.pk, connection.name, connection.is_default = None, WORD, False
    connection.save()
    tasks = [_task(connection, WORD), _task(connection, WORDS)]
    User.objects.create_user(WORD, f"{WORD[:60]}@example.com")
    ApiToken.objects.issue(user, WORDS, "read", 90)
    for name in (WORD, WORDS):
        Channel.objects.create(name=name, kind="email", settings={"to": f"{WORD[:60]}@example.com"})
        Destination.objects.create(name=name, kind="sftp", address=_address())
        Workflow.objects.create(name=name, updated_by=WORD).replace_steps(tasks)
    for task in tasks:
        schedule = Schedule(task=task, cron="30 2 * * *", zone="America/Argentina/Buenos_Aires")
        save_planned(schedule, datetime.now(UTC))
    return tasks


def _task(connection: Connection, name: str) -> Task:
    return Task.objects.create(
        name=name,
        connection=connection,
        export="all",
        output_file=f"{name.strip('.')}-{{date}}-{{run}}.xml",
        page_size=1000,
    )


def _address() -> dict[str, object]:
    folder = f"/{WORD}"
    return {"host": f"{WORD[:60]}.example.com", "port": 22, "user": WORD, "folder": folder}
