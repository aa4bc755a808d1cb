"""Checks that every process makes before it uses the database and the data folder."""

import logging
import re

from django.conf import settings
from django.db import DatabaseError
from django.urls import URLResolver, get_resolver
from django.utils.translation import gettext as _

from exports.backups.settling import is_unsettled, unfinished_sentence
from exports.backups.versions import newer_database, older_database
from exports.models import Connection
from exports.storage.capabilities import FolderUnusableError, check_capabilities
from exports.storage.permissions import close_to_others
from exports.storage.readiness import storage_problems
from exports.workers.queues.chosen import queue_engine
from exports.workers.queues.engine import QueueError, QueueRefusedError
from exports.workers.start_lock import await_others

logger = logging.getLogger(__name__)


class StartError(Exception):
    """This process must not start; `str()` says why and what to do."""


def unreadable_keys() -> list[str]:
    """A sentence naming the connections whose private key cannot be decrypted, if any."""
    connections = Connection.objects.order_by("name")
    names = [connection.name for connection in connections if not connection.is_key_readable]
    if not names:
        return []
    message = _(
        "The encryption key is not the one these connections were saved with: %(connections)s. "
        "Their tasks will fail. Put it back (CWEXPORT_ENCRYPTION_KEYS, or encryption_keys in the "
        "data folder), or enter their private keys again."
    )
    return [message % {"connections": ", ".join(names)}]


def check_database() -> None:
    """Raises StartError for a database of a newer version, or one that is not whole yet."""
    if sentence := newer_database():
        raise StartError(sentence)
    if is_unsettled():
        raise StartError(unfinished_sentence())


def check_start() -> list[str]:
    """Raises StartError; returns notices for the operator. Needs a migrated database."""
    _check_public_path(settings.FORCE_SCRIPT_NAME or "")
    try:
        await_others(logger.warning)
        check_database()
        if sentence := older_database():
            raise StartError(sentence)
        sentences = close_to_others()
        # Result unused: `serve` reports missing capabilities once, not in each of its processes.
        check_capabilities()
        if problems := storage_problems():
            raise StartError(" ".join(problems))
        sentences += check_queue()
    except FolderUnusableError as error:
        raise StartError(str(error)) from None
    except DatabaseError as error:
        message = _(
            "The database cannot be used: %(reason)s. `manage.py migrate` makes its tables."
        )
        reason = str(error).strip().splitlines()[0]
        raise StartError(message % {"reason": reason.rstrip(".")}) from None
    except OSError as error:
        message = _("The data folder cannot be read: %(reason)s.")
        raise StartError(message % {"reason": error}) from None
    return sentences


def check_queue() -> list[str]:
    """Raises StartError for what waiting does not mend; a server may be on its way up."""
    try:
        queue_engine().see()
    except QueueRefusedError as error:
        raise StartError(str(error)) from None
    except QueueError as error:
        message = _("%(reason)s Runs wait and start once it is there.")
        return [message % {"reason": error}]
    return []


def _check_public_path(path: str) -> None:
    """Refuse a public path that begins like one of our own: a proxy may pass it on or cut it off.

    Behind a proxy that cuts it off, /runs/ would be the history and Home at once.
    """
    first = path.strip("/").partition("/")[0]
    if first and first in _first_words():
        message = _(
            "CWEXPORT_PUBLIC_URL has the path %(path)s, but /%(word)s/ is one of the dashboard's "
            "own pages. Choose another path, e.g. /cwexport."
        )
        raise StartError(message % {"path": path, "word": first})


def _first_words() -> set[str]:
    """The first words of all addresses of this installation."""
    words, waiting = {settings.STATIC_URL.strip("/").rpartition("/")[2]}, [get_resolver()]
    while waiting:
        for entry in waiting.pop().url_patterns:
            word = re.match(r"[^/<\\]*", str(entry.pattern).lstrip("^"))
            if word and word[0]:
                words.add(word[0])
            elif isinstance(entry, URLResolver):
                waiting.append(entry)
    return words
