"""The lower limit: fetches the same pages with requests alone and parses no answer."""

import argparse
import json
import queue
import threading
import time

import requests

from exports.demo.account import Account
from tests.benchmarks.used_time import used_seconds

PATH = "/v4_6_release/apis/3.0/finance/accounting/batches"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--site", required=True)
    parser.add_argument("--ca-file", required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--page-size", type=int, required=True)
    parser.add_argument("--page-ends", required=True, help="JSON: the highest id of every page")
    options = parser.parse_args()
    ends = json.loads(options.page_ends)
    # Each page as a run requests it, and the empty one that proves the end.
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()
    for above, up_to in zip([0, *ends], ends, strict=False):
        questions.put(f"id > {above} and id <= {up_to}")
    questions.put(f"id > {ends[-1]}")
    begun, used = time.monotonic(), used_seconds()
    sizes = _fetch_all(questions, options)
    measured = {"seconds": time.monotonic() - begun, "cpu_seconds": used_seconds() - used}
    print(json.dumps({**measured, "pages": len(sizes), "bytes": sum(sizes)}))


def _fetch_all(questions: "queue.SimpleQueue[str]", options: argparse.Namespace) -> list[int]:
    sizes: list[int] = []

    def fetch() -> None:
        with requests.Session() as session:
            _equip(session, options.ca_file)
            while True:
                try:
                    conditions = questions.get_nowait()
                except queue.Empty:
                    return
                parameters = {"conditions": conditions, "orderBy": "id asc", "page": "1"}
                parameters["pageSize"] = str(options.page_size)
                answer = session.get(options.site + PATH, params=parameters, timeout=60)
                answer.raise_for_status()
                sizes.append(len(answer.content))

    threads = [threading.Thread(target=fetch) for _ in range(options.width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sizes


def _equip(session: requests.Session, ca_file: str) -> None:
    account = Account()
    session.trust_env = False
    session.verify = ca_file
    session.auth = (f"{account.company}+{account.public_key}", account.private_key)
    session.headers["clientId"] = account.client_id


if __name__ == "__main__":
    main()
