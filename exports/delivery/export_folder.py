"""The copy of a run's file that other programs pick up: the newest of its task, once (rule O4)."""

from pathlib import Path

from django.db.models import F
from django.utils.translation import gettext as _

from exports.models import Run
from exports.storage import files
from exports.storage.run_log import RunLog


def copy_to_export_folder(run: Run, log: RunLog) -> None:
    """Renew the file other programs pick up; a failure is retried by the recovery (O4)."""
    # Fresh from the database: the worker of the run and the recovery may both be at it.
    run.refresh_from_db(fields=["is_copy_pending", "copy_temp_name"])
    if not run.is_copy_pending:
        return
    owner = _other_owner(run)
    if owner is not None:
        log.warning(
            _(
                "%(file)s in the export folder belongs to %(task)s: it was not replaced. Give one "
                "of the two tasks another Output File."
            )
            % {"file": run.file_name, "task": owner}
        )
    else:
        try:
            target = _export_folder_copy(run)
        except OSError as error:
            message = _("%(file)s in the export folder was not replaced yet: %(reason)s.")
            log.warning_once(message % {"file": run.file_name, "reason": error.strerror})
            return
        if target is not None:
            message = _("%(file)s in the export folder now holds this run.")
            log.info(message % {"file": target.name})
    run.finish_copy()


def _export_folder_copy(run: Run) -> Path | None:
    if run.copy_temp_name:
        return files.finish_copy(run, lambda: not _has_newer_copy(run))
    return files.copy_to_export_folder(
        run, lambda draft: not _has_newer_copy(run) and run.record_copy(draft)
    )


def _other_owner(run: Run) -> str | None:
    """The other task that this name belongs to; two templates may meet in one name.

    It is the task that put a file there first, as long as it is in use and keeps its Output File.
    """
    same = Run.objects.succeeded().filter(
        file_name__iexact=run.file_name,
        batch_count__gt=0,
        task__archived_at=None,
        output_file=F("task__output_file"),
    )
    first = same.exclude(trigger=Run.Trigger.REEXPORT).order_by("id").first()
    return None if first is None or first.task_id == run.task_id else first.task_name


def _has_newer_copy(run: Run) -> bool:
    newer = Run.objects.succeeded().filter(task_id=run.task_id, pk__gt=run.pk)
    same = newer.filter(file_name=run.file_name, batch_count__gt=0)
    return same.exclude(trigger=Run.Trigger.REEXPORT).exists()
