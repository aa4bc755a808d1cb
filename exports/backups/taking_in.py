"""Takes the batches of an unknown file into its task's ledger: later runs then skip them (B4).

No date moves: the next run asks from the date of the backup on, and the ledger leaves out what the
file holds. The file stays where it was set aside.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, Final

from django.db import transaction
from django.utils.translation import gettext as _
from lxml import etree

from exports import clock
from exports.backups.errors import BackupError
from exports.backups.unknown_files import UnknownFile, is_number_free, unknown_files
from exports.connectwise.batch_fields import ELEMENT, FIELD_TYPES, FieldType
from exports.connectwise.xml.validation import FileCheckError, check_file
from exports.models import LedgerEntry, Run, RunSummary, Task
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.codes import ErrorCode
from exports.models.ledger import Version
from exports.pipeline.batch_versions import version_of
from exports.storage import files

_AT_ONCE: Final = 1_000
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True)
class TakenIn:
    """What became of the unknown files; `refused` has a sentence for each that was left."""

    file_count: int
    batch_count: int
    refused: list[str]


def take_all_in() -> TakenIn:
    """Take in every unknown file that can be; each in a transaction of its own."""
    file_count = batch_count = 0
    refused = []
    for file in unknown_files():
        try:
            batch_count += take_in(file)
            file_count += 1
        except (BackupError, OSError) as error:
            refused.append(f"{file.name}: {error}")
    return TakenIn(file_count, batch_count, refused)


def take_in(file: UnknownFile) -> int:
    """Returns how many batches it holds. Raises BackupError where its proof does not fit."""
    task = file.task()
    started_at = file.started_at
    if not file.proof or started_at is None or file.batch_count is None:
        raise BackupError(_("There is no proof beside it that says whose it is."))
    if task is None:
        params = {"task": file.task_name}
        raise BackupError(_("Its task %(task)s is not in this database.") % params)
    _check_content(file, file.batch_count)
    with transaction.atomic():
        # As queueing a run does: nothing is asked of the ledger meanwhile.
        task = Task.objects.select_for_update(no_key=True).get(pk=task.pk)
        if not is_number_free(file.run_id):
            message = _("This database has another run %(run)s.")
            raise BackupError(message % {"run": file.run_id})
        if task.active_run() is not None:
            params = {"task": task.name}
            raise BackupError(_("%(task)s is running. Do it when the run is over.") % params)
        # It was active when the backup was made; now its end is known.
        Run.objects.filter(pk=file.run_id, error_code=ErrorCode.RESTORED).delete()
        _record(file, task, started_at, file.batch_count)
        record_action(AuditAction.FILE_TAKEN_IN, task, name=file.name)
    return file.batch_count


def _check_content(file: UnknownFile, expected_count: int) -> None:
    try:
        with files.store().local_copy(file.path) as path:
            checked = check_file(path, expected_count=expected_count)
    except FileCheckError as error:
        raise BackupError(str(error)) from None
    if checked.sha256 != file.sha256:
        raise BackupError(_("It is not the file that the proof beside it describes."))


def _record(file: UnknownFile, task: Task, started_at: datetime, batch_count: int) -> None:
    now = clock.now()
    summary = RunSummary.objects.create(
        pk=file.run_id,
        task=task,
        task_name=file.task_name[:100],
        site=str(file.said("connectwise", "site"))[:255],
        company=str(file.said("connectwise", "company"))[:100],
        conditions=str(file.said("conditions") or ""),
        export=str(file.said("export"))[:10],
        trigger=Run.Trigger.REEXPORT if file.said("reexport") else Run.Trigger.MANUAL,
        queued_at=started_at,
        started_at=started_at,
        batch_count=batch_count,
        file_name=str(file.said("file", "name") or "")[:250],
        file_size=files.store().size(file.path),
        file_sha256=file.sha256,
        taken_in_at=now,
        # It is not in the history, and its file is none that housekeeping may delete.
        pruned_at=now,
    )
    of_run = Run(pk=summary.pk, task=task)
    with files.store().open(file.path) as stream:
        versions = _versions(stream)
        while some := list(islice(versions, _AT_ONCE)):
            LedgerEntry.objects.stage(of_run, some)


def _versions(stream: BinaryIO) -> Iterator[Version]:
    """The version of each batch, as the run that wrote the file computed it."""
    for _event, element in etree.iterparse(stream, tag=ELEMENT, resolve_entities=False):
        if element.getparent() is not None and element.getparent().getparent() is None:
            record = _record_of(element)
            yield version_of(int(record.pop("id")), record)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _record_of(batch: Any) -> dict[str, Any]:
    """The record as ConnectWise sent it, as far as a version depends on it."""
    record: dict[str, Any] = {}
    for child in batch:
        if child.tag == "_info":
            record["_info"] = {member.tag: member.text for member in _first_of_each(child)}
        elif child.tag not in record:
            is_flag = FIELD_TYPES.get(child.tag) is FieldType.FLAG
            record[child.tag] = _FLAGS.get(child.text or "") if is_flag else child.text
    return record


def _first_of_each(parent: Iterable[Any]) -> Iterator[Any]:
    """Each known element comes first; an extra field of the same name comes behind it."""
    seen = set()
    for child in parent:
        if child.tag not in seen:
            seen.add(child.tag)
            yield child
