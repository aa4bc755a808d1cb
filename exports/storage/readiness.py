"""Whether run files can be kept where the settings say: for the start of a process and `doctor`."""

from exports.storage import files
from exports.storage.belonging import ForeignFolderError, check_folder_belongs
from exports.storage.store import StorageError


def storage_problems() -> list[str]:
    """A sentence for each thing that stands in the way, with what to do; [] when all is well.

    Whose the place is comes first, so that nothing is written into somebody else's.
    """
    try:
        check_folder_belongs()
        files.store().check()
    except (ForeignFolderError, StorageError) as error:
        return [str(error)]
    return []
