import socket
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from exports import clock
from exports.housekeeping import rounds
from exports.housekeeping.free_space import rewrite_database
from exports.housekeeping.old_rows import old_rows
from exports.housekeeping.retention import Policy, keep_reason_of
from exports.models import AuditEntry, HousekeepingRound, Run
from exports.number_formats import utc_text
from exports.storage.belonging import ForeignFolderError, check_folder_belongs


class Command(BaseCommand):
    help = _(
        "Deletes runs, logs and files older than CWEXPORT_KEEP_DAYS or beyond CWEXPORT_KEEP_RUNS. "
        "Workers do this daily by themselves."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help=_("name what would be deleted, delete nothing")
        )
        parser.add_argument(
            "--vacuum",
            action="store_true",
            help=_(
                "also rewrite the whole SQLite file, once, so that it can shrink by itself; for "
                "when nothing else runs"
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_folder_belongs()
        except ForeignFolderError as error:
            raise CommandError(str(error)) from None
        policy = Policy.of_settings()
        self.stdout.write(_policy_sentence(policy))
        if options["dry_run"]:
            self._dry_run(policy)
        else:
            self._prune(policy)
        if options["vacuum"] and not options["dry_run"]:
            self._vacuum()

    def _dry_run(self, policy: Policy) -> None:
        runs = size = 0
        for run in rounds.examined_runs(policy, clock.now()):
            if keep_reason_of(run):
                self._write_kept(run)
                continue
            self.stdout.write(_("Would delete: %(run)s") % {"run": _described(run)})
            runs, size = runs + 1, size + (run.file_size or 0)
        now = clock.now()
        expired = (_("audit entries"), AuditEntry.objects.expired(now.date()))
        for label, rows in (*old_rows(policy.cutoff(now)), expired):
            if count := rows.count():
                self.stdout.write(
                    _("Would delete: %(count)s %(rows)s") % {"count": count, "rows": label}
                )
        message = _("Nothing was deleted. It would be %(runs)s runs with %(size)s of files.")
        self.stdout.write(message % {"runs": runs, "size": filesizeformat(size)})

    def _prune(self, policy: Policy) -> None:
        now = clock.now()
        objects = HousekeepingRound.objects
        row = objects.ask(HousekeepingRound.Trigger.COMMAND, now) or objects.active().first()
        if row is None or not row.take(f"prune-{socket.gethostname()[:40]}", now):
            raise CommandError(
                _("Housekeeping is running already. Wait until it is over, then start it again.")
            )
        rounds.run_round(
            row, policy=policy, on_deleted=self._write_deleted, on_kept=self._write_kept
        )
        if row.status != HousekeepingRound.Status.SUCCEEDED:
            raise CommandError(str(row.error or _("It was interrupted.")))
        message = _(
            "Deleted: %(runs)s runs, %(files)s files (%(size)s), %(rows)s other rows. The database "
            "gave back %(freed)s."
        )
        sizes = {"size": row.file_bytes, "freed": row.freed_bytes}
        counts = {"runs": row.run_count, "files": row.file_count, "rows": row.row_count}
        shown = {name: filesizeformat(size) for name, size in sizes.items()}
        self.stdout.write(message % {**counts, **shown})

    def _vacuum(self) -> None:
        if connection.vendor != "sqlite":
            raise CommandError(_("--vacuum is for SQLite; PostgreSQL does this by itself."))
        freed = rewrite_database()
        message = _("The database was rewritten and gave back %(freed)s.")
        self.stdout.write(message % {"freed": filesizeformat(freed)})

    def _write_deleted(self, run: Run) -> None:
        self.stdout.write(_("Deleted: %(run)s") % {"run": _described(run)})

    def _write_kept(self, run: Run) -> None:
        if reason := keep_reason_of(run):
            words = {"run": run, "reason": reason.label}
            self.stdout.write(_("Kept: %(run)s (%(reason)s)") % words)


def _policy_sentence(policy: Policy) -> str:
    if policy.keep_runs is None:
        return _("History is kept for %(days)s days.") % {"days": policy.keep_days}
    return _("History is kept for %(days)s days, and at most %(runs)s runs of a task.") % {
        "days": policy.keep_days,
        "runs": policy.keep_runs,
    }


def _described(run: Run) -> str:
    over = utc_text(run.finished_at) if run.finished_at else "–"
    words = {"run": run, "status": run.get_status_display(), "when": over}
    if not run.file_path:
        return _("%(run)s, %(status)s %(when)s") % words
    return _("%(run)s, %(status)s %(when)s: %(file)s, %(size)s, SHA-256 %(sha256)s") % {
        **words,
        "file": run.file_name,
        "size": filesizeformat(run.file_size or 0),
        "sha256": run.file_sha256,
    }
