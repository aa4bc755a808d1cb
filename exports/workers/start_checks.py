"""What must be so before a process of ours may touch the database and the data folder."""

from django.db import DatabaseError
from django.utils.translation import gettext as _

from exports.models import Connection
from exports.storage.belonging import ForeignFolderError, check_folder_belongs
from exports.storage.capabilities import FolderUnusableError, check_capabilities
from exports.storage.permissions import close_to_others


class StartError(Exception):
    """This process must not start; `str()` says why and what to do."""


def unreadable_keys() -> list[str]:
    """Which private keys this installation's encryption key does not open, in sentences."""
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
    """Raises StartError; returns what has to be told. The database is up to date."""
    try:
        sentences = close_to_others()
        # What is done without is told by `serve`, and not by each of its processes again.
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
