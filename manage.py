#!/usr/bin/env python
"""Runs the installation's commands: serve, demo, run_task, load_config, …"""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cwexport.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A wrong setting is an operator's typing error: a sentence, not a trace.
        sys.exit(f"cwexport cannot start. {error}")


if __name__ == "__main__":
    main()
