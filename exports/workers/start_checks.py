"""Checks that every process makes before it uses the database and the data folder."""

from django.db import DatabaseError
from django.utils.translation import gettext as _

from exports.models import Connection
from exports.storage.belonging import ForeignFolderError, check_folder_belongs
from exports.storage.capabilities import FolderUnusableError, check_capabilities
from exports.storage.permissions import close_to_others


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


def check_start() -> list[str]:
    """Raises StartError; returns notices for the operator. Needs a migrated database."""
    try:
        sentences = close_to_others()
        # Result unused: `serve` reports missing capabilities once, not in each of its processes.
        check_capabilities()
        check_folder_belongs()
    except (FolderUnusableError, ForeignFolderError) as error:
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
