"""Opens a run's own file for whoever downloads it: only as it was written (rule O5)."""

from typing import BinaryIO, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.models import Run
from exports.storage import files
from exports.storage.store import FileChangedError, StorageUnreachableError

NO_FILE, GONE, CHANGED = "run.no_file", "file.gone", "file.changed"
UNREACHABLE = "storage.unreachable"
_WHY_NONE: Final = {
    Run.Status.QUEUED: gettext_noop("%(run)s has no file yet: it is queued."),
    Run.Status.RUNNING: gettext_noop("%(run)s has no file yet: it is running."),
    Run.Status.CANCELLED: gettext_noop("%(run)s has no file, because it was cancelled."),
}
_FAILED: Final = gettext_noop("%(run)s has no file, because it failed.")


class RunFileError(Exception):
    """There is no file to hand out; `str()` says why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def open_run_file(run: Run) -> BinaryIO:
    """The run's file, at its beginning. Raises RunFileError."""
    if not run.file_path:
        raise no_file(run)
    try:
        return files.store().open_checked(
            run.file_path, size=run.file_size or 0, sha256=run.file_sha256
        )
    except FileChangedError as error:
        sentence = _(
            "The file of %(run)s is not the one that was written (its SHA-256 differs): somebody "
            "changed it, so it is not handed out. Restore it from a backup."
        )
        raise RunFileError(CHANGED, sentence % {"run": run}) from error
    except OSError as error:
        raise not_readable(run, error) from error


def is_as_written(run: Run) -> bool:
    """Whether the stored file is the one that was written. Raises OSError."""
    return files.store().is_as_written(
        run.file_path, size=run.file_size or 0, sha256=run.file_sha256
    )


def no_file(run: Run) -> RunFileError:
    sentence = _WHY_NONE.get(Run.Status(run.status), _FAILED)
    return RunFileError(NO_FILE, _(sentence) % {"run": run})


def not_readable(run: Run, error: OSError) -> RunFileError:
    """Why the file of a run that has one cannot be read."""
    if isinstance(error, StorageUnreachableError):
        return RunFileError(UNREACHABLE, str(error))
    sentence = _(
        "The file of %(run)s is no longer in the folder of this installation. Restore it from a "
        "backup."
    )
    return RunFileError(GONE, sentence % {"run": run})
