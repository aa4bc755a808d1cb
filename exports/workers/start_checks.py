"""What must be so before a process of ours may touch the database and the data folder."""

from django.db import DatabaseError
from django.utils.translation import gettext as _

from exports.storage.belonging import ForeignFolderError, check_folder_belongs
from exports.storage.capabilities import FolderUnusableError, check_capabilities


class StartError(Exception):
    """This process must not start; `str()` says why and what to do."""


def check_start() -> None:
    """Raises StartError. The database is up to date."""
    try:
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
