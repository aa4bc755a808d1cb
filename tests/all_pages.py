"""The address of every page of a seeded installation, and the size of a first visit."""

import gzip
import re
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.models import Connection, Run, Task
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
        "connections": reverse("connection-list"),
        "new connection": reverse("connection-create"),
        "connection": reverse("connection-edit", args=[Connection.objects.earliest("id").pk]),
        "new task": reverse("task-create"),
        "task form": reverse("task-edit", args=[task.pk]),
        "task page": reverse("task-detail", args=[task.pk]),
        "ledger": ledger,
        "ledger, page 400": f"{ledger}?page=400",
        "ledger, searched": f"{ledger}?batch=284",
        "run page": reverse("run-detail", args=[over.pk]),
        "run page, running": reverse("run-detail", args=[busy.pk]),
        "run page, polled": reverse("run-progress", args=[busy.pk]),
        **_history(task, over),
        "change password": reverse("password"),
    }


def first_load(client: Client, address: str) -> int:
    """Bytes of a page and of the files it links to, each gzipped as by WhiteNoise."""
    page = client.get(address).content
    parts = {part for part in _PARTS.findall(page.decode()) if part.startswith("/static/")}
    return len(gzip.compress(page)) + sum(_kept_size(part) for part in parts)


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
