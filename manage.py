#!/usr/bin/env python
"""Runs the installation's commands: serve, demo, run_task, load_config, …"""

import io
import os
import sys


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


def main() -> None:
    _use_utf8()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cwexport.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A wrong setting is an operator's typing error: a sentence, not a trace.
        sys.exit(f"cwexport cannot start. {error}")
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        sys.exit(
            f"The database does not answer as it should: {reason}. Check DATABASE_URL and that the "
            "database runs; `manage.py migrate` makes its tables."
        )


if __name__ == "__main__":
    main()
