"""An installation with many tasks: Home and its neighbours, and an idle page's polling.

`build` fills an empty database; `pages` measures what people open. Prints one JSON line: for each
page its number of queries, milliseconds of the processor and the kilobytes of its first load.
"""

import argparse
import gzip
import json
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection as database  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import reverse  # noqa: E402

from exports.models import Connection, Run, RunSummary, Task, Worker  # noqa: E402
from tests.all_pages import first_load  # noqa: E402
from tests.benchmarks.many_runs import in_portions, runs_of  # noqa: E402

TIMES = 15
_TAGS = ("Month end", "Payroll", "Month end, Auditor", "")
# What an open page asks in a minute.
POLLS_A_MINUTE = 12


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("build", "pages"))
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--connections", type=int)
    parser.add_argument("--runs", type=int)
    options = parser.parse_args()
    if options.step == "build":
        build(options.tasks, options.connections, options.runs)
        call_command("collectstatic", "--noinput", "--verbosity=0")
        print("{}")
        return
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="reader"))
    pages = {name: _page(client, address) for name, address in _addresses().items()}
    print(json.dumps({"pages": pages, "idle": _idle(client)}))


def build(task_count: int, connection_count: int, run_count: int) -> None:
    """Tasks of many connections, and runs of all kinds for all of them."""
    with transaction.atomic():
        users = [User.objects.create(username=f"user-{number}") for number in range(3)]
        User.objects.create(username="reader", is_superuser=True)
        connections = [_connection(number) for number in range(connection_count)]
        in_portions(Task, _tasks(connections, task_count))
        in_portions(Run, runs_of(list(Task.objects.order_by("id")), users, run_count))
        RunSummary.objects.add_missing()
        Worker.objects.see("worker-1", 1)


def _connection(number: int) -> Connection:
    made = Connection(
        name=f"Company {number:03}",
        site="https://na.myconnectwise.net",
        company=f"company{number}",
        public_key="AbCdEf",
    )
    made.write_private_key("pK-9z")
    made.save()
    return made


def _tasks(connections: list[Connection], count: int) -> Iterator[Task]:
    for number in range(count):
        file = f"{number}.xml"
        yield Task(
            name=f"Invoices of branch {number:04}",
            connection=connections[number % len(connections)],
            output_file=file,
            output_file_key=file,
            tags=_TAGS[number % len(_TAGS)],
        )


def _addresses() -> dict[str, str]:
    home, history = reverse("home"), reverse("run-list")
    return {
        "home": home,
        "home, searched": f"{home}?name=branch",
        "home, of a tag": f"{home}?tag=Month+end",
        "home by connection": f"{home}?group=connection",
        "home, newest run first": f"{home}?sort=newest",
        "tasks": reverse("task-list"),
        "history": history,
        "history, searched": f"{history}?q=branch",
        "history, searched for errors": f"{history}?q=answered+503",
        "history of a tag": f"{history}?tag=Month+end",
        "names offered": f"{reverse('task-names')}?q=branch+7",
        "new task": reverse("task-create"),
        "new schedule": reverse("schedule-create"),
        "new workflow": reverse("workflow-create"),
        "connections": reverse("connection-list"),
    }


def _page(client: Client, address: str) -> dict[str, float]:
    with CaptureQueriesContext(database) as context:
        response: Any = client.get(address)
        query_count = len(context)
    assert response.status_code == 200, (address, response.status_code)
    return {
        "queries": query_count,
        "ms": median(_milliseconds(client, address, 3 * number) for number in range(TIMES)),
        "kB": first_load(client, address) / 1000,
        "page_kB": len(gzip.compress(response.content)) / 1000,
    }


def _milliseconds(client: Client, address: str, depth: int) -> float:
    """Of the processor: whatever else runs here meanwhile is not the page's.

    From several depths of the stack: where templates happen to call across the end of a piece of
    it, Python 3.11 gets and frees a piece at each call, and the page takes up to twice as long.
    """
    if depth:
        return _milliseconds(client, address, depth - 1)
    begun = time.process_time()
    client.get(address)
    return 1000 * (time.process_time() - begun)


def _idle(client: Client) -> dict[str, float]:
    """What one open page costs a minute while nothing changes."""
    changes = reverse("changes")
    token = client.get(changes).content.decode()
    with CaptureQueriesContext(database) as context:
        answer = client.get(changes, {"since": token})
        query_count = len(context)
    assert answer.status_code == 204
    size = len(answer.content) + sum(len(f"{name}: {value}\r\n") for name, value in answer.items())
    return {"queries": POLLS_A_MINUTE * query_count, "bytes": POLLS_A_MINUTE * size}


if __name__ == "__main__":
    main()
