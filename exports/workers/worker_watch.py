"""Tells that no worker is alive, from the web server: no worker is left to do it (rule N2)."""

import threading
import time
from typing import Final

from django.db import close_old_connections, connection

from exports.connectwise.language import gettext as _
from exports.housekeeping.isolation import isolated
from exports.models import Worker
from exports.notifications.sending import send_messages
from exports.notifications.system_events import watch_workers

LOOK_EVERY: Final = 15.0
# A restart or an upgrade takes a moment.
PATIENCE: Final = 120.0


class WorkerWatch:
    """Looks now and then; without workers for a while it also sends what waits to be told."""

    def __init__(self, over: threading.Event, *, patience: float = PATIENCE) -> None:
        self._over = over
        self._patience = patience
        self._missing_since: float | None = None

    def look(self) -> None:
        if Worker.objects.alive().exists():
            if self._missing_since is not None:
                watch_workers()
            self._missing_since = None
            return
        now = time.monotonic()
        if self._missing_since is None:
            self._missing_since = now
        if now - self._missing_since >= self._patience and not watch_workers():
            send_messages(self._over.is_set)

    def run(self) -> None:
        # A worker may have come back while no web server was there to see it.
        self._missing_since = time.monotonic()
        while not self._over.wait(LOOK_EVERY):
            with isolated(_("signs of life of the workers")):
                close_old_connections()
                self.look()
        connection.close()


def start_watch(over: threading.Event) -> None:
    """Look in a thread of its own until `over` is set."""
    threading.Thread(target=WorkerWatch(over).run, name="worker watch", daemon=True).start()
