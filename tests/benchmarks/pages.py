"""Every page of a history of `--runs` runs: its queries, its time and its first load.

Prints one JSON line: for each page its number of queries, milliseconds, kilobytes and rows.
"""

import argparse
import json
import time
from statistics import median
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from tests.all_pages import addresses, first_load  # noqa: E402
from tests.benchmarks.many_runs import seed  # noqa: E402

TIMES = 15


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--ledger-entries", type=int, required=True)
    options = parser.parse_args()
    call_command("collectstatic", "--noinput", "--verbosity=0")
    seed(options.runs, options.ledger_entries)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create(username="reader", is_superuser=True))
    print(json.dumps({name: _measure(client, page) for name, page in addresses().items()}))


def _measure(client: Client, address: str) -> dict[str, Any]:
    with CaptureQueriesContext(connection) as context:
        response = _answer(client, address)
        query_count = len(context)
    assert response.status_code == 200, (address, response.status_code)
    return {
        "queries": query_count,
        "ms": median(_milliseconds(client, address) for _ in range(TIMES)),
        "kB": None if response.streaming else first_load(client, address) / 1000,
        "rows": None if response.streaming else response.content.count(b'<td class="run"'),
    }


def _answer(client: Client, address: str) -> Any:
    """The answer; of a streamed one, its beginning."""
    response: Any = client.get(address)
    if response.streaming:
        next(iter(response.streaming_content))
    return response


def _milliseconds(client: Client, address: str) -> float:
    # Processor time, including reads from the disk cache, so that other programs on this machine
    # do not count.
    begun = time.process_time()
    _answer(client, address)
    return 1000 * (time.process_time() - begun)


if __name__ == "__main__":
    main()
