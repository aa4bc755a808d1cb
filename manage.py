#!/usr/bin/env python
"""Runs the installation's commands: serve, demo, run_task, load_config, …"""

import os
import sys


def main() -> None:
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
