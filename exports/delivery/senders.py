"""The worker's threads that deliver: one for each destination, so that none waits for another."""

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from exports.connectwise.language import gettext as _
from exports.delivery.sending import send_due
from exports.models import Delivery

logger = logging.getLogger(__name__)

# Each holds one connection to the database, and at most one to its destination.
MAX_AT_ONCE = 12


class Senders:
    """Starts a thread for each destination with something due, unless one is at it."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        self._is_over = is_over
        self._threads: dict[int | None, threading.Thread] = {}

    def start_due(self) -> None:
        """Returns at once; call it again every few seconds."""
        self._threads = {key: one for key, one in self._threads.items() if one.is_alive()}
        due = Delivery.objects.due().order_by("destination_id")
        for key in due.values_list("destination_id", flat=True).distinct():
            if key in self._threads or len(self._threads) >= MAX_AT_ONCE:
                continue
            thread = threading.Thread(
                target=self._send_all, args=(key,), name=_name(key), daemon=True
            )
            self._threads[key] = thread
            thread.start()

    def join(self, seconds: float) -> None:
        """Wait for those that are ending, as each looks for a stop within a tick."""
        for thread in list(self._threads.values()):
            thread.join(timeout=seconds)

    def _send_all(self, destination_id: int | None) -> None:
        try:
            close_old_connections()
            due = Delivery.objects.due().filter(destination=destination_id)
            send_due(self._is_over, due=due)
        except (DatabaseError, InterfaceError) as error:
            # The next round starts another thread.
            params = {"subject": _name(destination_id), "reason": error}
            logger.warning(_("Put off and tried again: %(subject)s (%(reason)s)"), params)
        finally:
            connection.close()


def _name(destination_id: int | None) -> str:
    return _("deliveries to destination %(number)s") % {"number": destination_id}
