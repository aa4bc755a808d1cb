#!/usr/bin/env python
"""Runs the installation's commands: serve, demo, run_task, load_config, …"""

import io
import os
import signal
import sys
from types import FrameType


def _use_utf8() -> None:
    """Names of files are UTF-8 whatever the locale is, and output is there when it is written."""
    if sys.getfilesystemencoding().lower() != "utf-8":
        # Only a new interpreter can change that; the process stays the same one.
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - ourselves
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Not in blocks, which a container's log would see at the end only; and a terminal that
            # lacks a character is no reason to stop.
            stream.reconfigure(line_buffering=True, errors="backslashreplace")


def _end_when_asked() -> None:
    """As a container's first process: there, signals that nobody handles are ignored.

    So `docker stop` during a migration would wait in vain. Commands that end in order set handlers
    of their own.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _exit)


def _exit(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)


def main() -> None:
    _use_utf8()
    _end_when_asked()
    if "--version" in sys.argv[1:] or sys.argv[1:] == ["version"]:
        from exports.product import product_version

        # Of this product, whatever the command; each of them would name Django's.
        print(f"cwexport {product_version()}")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cwexport.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, DataError, IntegrityError

    from exports.acting import Actor, set_process_actor
    from exports.connectwise.http import outgoing

    outgoing.install()
    set_process_actor(Actor.of_command("".join(sys.argv[1:2])))
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A wrong setting is an operator's typing error: a sentence, not a trace.
        sys.exit(f"cwexport cannot start. {error}")
    except KeyboardInterrupt:
        sys.exit(130)  # as shells do; Ctrl-C is no fault and needs no trace
    except (DataError, IntegrityError):
        raise  # what was written is wrong, not the database
    except DatabaseError as error:
        sys.exit(_database_message(error))


def _database_message(error: Exception) -> str:
    from django.conf import settings

    database = settings.DATABASES["default"]
    reason = [*str(error).strip().splitlines(), "no reason given"][0].rstrip(".")
    if "not a database" in reason:
        return (
            f"{database['NAME']} is no SQLite database, or a damaged one: put a backup in its "
            "place, name another one in DATABASE_URL, or move the file away to begin with an empty "
            "database."
        )
    return (
        f"The database does not answer as it should: {reason}. Check DATABASE_URL and that the "
        "database runs; `manage.py migrate` makes its tables."
    )


if __name__ == "__main__":
    main()
