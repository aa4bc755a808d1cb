"""How long another writer of the same SQLite database has to wait; it writes every 5 ms.

It ends when its standard input ends, and prints one JSON line: the longest wait in milliseconds.
"""

import argparse
import json
import sqlite3
import sys
import threading
import time


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    options = parser.parse_args()
    over = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(over,), daemon=True).start()
    # SQLite's busy handler sleeps up to 100 ms at a time; this one retries every millisecond.
    database = sqlite3.connect(options.database, timeout=0, isolation_level=None)
    longest, count = 0.0, 0
    while not over.wait(0.005):
        begun = time.monotonic()
        while not _got_the_lock(database):
            time.sleep(0.001)
        longest, count = max(longest, time.monotonic() - begun), count + 1
    print(json.dumps({"longest_ms": longest * 1000, "writes": count}))


def _wait_for_the_end(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


def _got_the_lock(database: sqlite3.Connection) -> bool:
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    database.execute("ROLLBACK")
    return True


if __name__ == "__main__":
    main()
