"""The address of every page of a seeded installation, and the size of a first visit."""

import gzip
import re
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.models import Connection, Run, Schedule, Task
from exports.reporting.tables import ROWS_A_PAGE

SORTED = ("number", "status", "task_name", "started_at", "batch_count", "file_size", "trigger")
_PARTS = re.compile(r'<(?:link|script)\b[^>]*(?:href|src)="([^"]+)"')


def addresses() -> dict[str, str]:
    """Each page by name: of the first task, its newest success, and an active run."""
    task, busy = Task.objects.earliest("id"), Run.objects.running().latest("id")
    over = Run.objects.succeeded().filter(task=task).latest("id")
    ledger = reverse("task-ledger", args=[task.pk])
    return {
        "home": reverse("home"),
        "home, polled": f"{reverse('home-live')}?task={busy.task_id}",
        "tasks": reverse("task-list"),
        "tasks, failed": f"{reverse('task-list')}?state=failed",
        "workflows": reverse("workflow-list"),
        "new workflow": reverse("workflow-create"),
        "connections": reverse("connection-list"),
        "new connection": reverse("connection-create"),
        "connection": reverse("connection-edit", args=[Connection.objects.earliest("id").pk]),
        "channels": reverse("channel-list"),
        "new channel": reverse("channel-create", args=["webhook"]),
        "messages": reverse("message-list"),
        "preview of messages": reverse("message-preview"),
        "destinations": reverse("destination-list"),
        "new destination": reverse("destination-create"),
        "new destination by SFTP": f"{reverse('destination-create')}?kind=sftp",
        "deliveries": reverse("delivery-list"),
        "deliveries, failing": f"{reverse('delivery-list')}?state=failing",
        "destinations of a task": reverse("task-destinations", args=[task.pk]),
        "new task": reverse("task-create"),
        "task form": reverse("task-edit", args=[task.pk]),
        "task page": reverse("task-detail", args=[task.pk]),
        **_schedules(task),
        "ledger": ledger,
        "ledger, page 400": f"{ledger}?page=400",
        "ledger, searched": f"{ledger}?batch=284",
        "ledger of all": reverse("ledger"),
        "ledger of all, searched": f"{reverse('ledger')}?batch=284-300,BATCH-12",
        "run page": reverse("run-detail", args=[over.pk]),
        "run page, running": reverse("run-detail", args=[busy.pk]),
        "run page, polled": reverse("run-progress", args=[busy.pk]),
        **_history(task, over),
        "housekeeping": reverse("housekeeping"),
        "backups": reverse("backups"),
        "audit log": reverse("audit-list"),
        "audit log of a task": f"{reverse('audit-list')}?object=task&number={task.pk}",
        "change password": reverse("password"),
        "my account": reverse("account"),
        "login methods": reverse("login-methods"),
        "users": reverse("user-list"),
        "help": reverse("help"),
        "reference": reverse("help-reference"),
    }


def first_load(client: Client, address: str) -> int:
    """Bytes of a page and of the files it links to, each gzipped as by WhiteNoise."""
    page = client.get(address).content
    parts = {part for part in _PARTS.findall(page.decode()) if part.startswith("/static/")}
    return len(gzip.compress(page)) + sum(_kept_size(part) for part in parts)


def _schedules(task: Task) -> dict[str, str]:
    due_times = reverse("due-time-list")
    found = {
        "schedules": reverse("schedule-list"),
        "new schedule": reverse("schedule-create"),
        "calendar": reverse("calendar"),
        "due times": due_times,
        "due times of a task": f"{due_times}?task={task.pk}",
        "missed due times": f"{due_times}?state=missed",
    }
    schedule = Schedule.objects.kept().first()
    if schedule is not None:
        found["schedule"] = reverse("schedule-detail", args=[schedule.pk])
        found["schedule form"] = reverse("schedule-edit", args=[schedule.pk])
    return found


def _history(task: Task, over: Run) -> dict[str, str]:
    history, run_count = reverse("run-list"), Run.objects.count()
    who = User.objects.earliest("id").pk
    pages = {
        "history": "",
        "history, middle page": f"page={run_count // ROWS_A_PAGE // 2}",
        "history, last page": f"page={run_count // ROWS_A_PAGE}",
        "history of a task": f"task={task.pk}",
        "history of failures": "status=failed",
        "history of suspicions": "status=suspicious",
        "history by trigger": "trigger=failure",
        "history by who": f"who={who}",
        "history of a day": f"from={over.started_at:%Y-%m-%d}",
        "history of successes since 2020": "status=succeeded&from=2020-01-01",
        "history, four filters": f"task={task.pk}&status=failed&trigger=manual&from=2020-01-01",
        "history, none found": "status=failed&to=2000-01-01",
    }
    for column in SORTED:
        pages[f"history by {column}, rising"] = f"sort={column}"
        pages[f"history by {column}, falling"] = f"sort=-{column}"
    found = {name: f"{history}?{query}" for name, query in pages.items()}
    return {**found, "history as CSV, first byte": reverse("run-list-csv")}


def _kept_size(address: str) -> int:
    kept = Path(settings.STATIC_ROOT) / address.removeprefix("/static/")
    packed = kept.with_name(f"{kept.name}.gz")
    return (packed if packed.exists() else kept).stat().st_size
