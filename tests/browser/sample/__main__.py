"""Builds a sample installation, serves it, prints its address; ends when its input ends."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.db import connections  # noqa: E402

from exports.access.roles import Role, set_role  # noqa: E402
from exports.demo.records import seed_batches  # noqa: E402
from exports.demo.server import StandIn  # noqa: E402
from exports.demo.store import Store  # noqa: E402
from exports.management.commands.serve import prepare  # noqa: E402
from exports.pipeline.lease import shutdown  # noqa: E402
from tests.browser.sample.serving import served  # noqa: E402
from tests.browser.sample.simulation import simulate  # noqa: E402
from tests.browser.sample.starting import PASSWORD, ROLES, USER  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--stand-in-port", type=int, default=0)
    parser.add_argument("--calm", action="store_true", help="an ordinary evening")
    options = parser.parse_args()
    prepare(sys.stderr.write)
    user = User.objects.create_superuser(USER, password=PASSWORD)
    for name, role in ROLES.items():
        set_role(User.objects.create_user(name, password=PASSWORD), Role(role) if role else None)
    connections.close_all()
    data_folder, empty_folder = Path(settings.CWEXPORT_DATA_DIR), options.folder / "empty"
    shutil.copytree(data_folder, empty_folder)
    store = Store(seed_batches(1200))
    with (
        served(empty_folder, os.environ) as empty_url,
        served(data_folder, os.environ) as url,
        StandIn(store, port=options.stand_in_port) as stand_in,
    ):
        keys = simulate(stand_in, user, options.days, is_calm=options.calm)
        print(json.dumps({"url": url, "empty_url": empty_url, "keys": keys}), flush=True)
        sys.stdin.read()
        # Otherwise the end would wait for the active run.
        shutdown.set()


if __name__ == "__main__":
    main()
