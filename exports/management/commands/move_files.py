from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from exports.models import Run, Worker
from exports.storage import files
from exports.storage.belonging import ForeignFolderError, check_folder_belongs
from exports.storage.moving import Moved, MoveRefusedError, move_files
from exports.storage.places import read_place


class Command(BaseCommand):
    help = _(
        "Moves the files of all runs to another folder or bucket: copies, compares, then deletes. "
        "Stop everything first; killed in between, start it again. It says what to set afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            required=True,
            help=_("a folder's whole path, or s3://bucket/prefix, as CWEXPORT_FILES takes it"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = read_place(options["to"], settings.CWEXPORT_STORAGE_KEYS)
        except ValueError as error:
            message = _("--to cannot be used. %(reason)s")
            raise CommandError(message % {"reason": error}) from None
        _check_quiet()
        source, target = files.store(), files.store_at(place)
        try:
            check_folder_belongs(may_be_moved=True)
            moved = move_files(source, target, self.stdout.write)
        except (MoveRefusedError, ForeignFolderError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            message = _(
                "Not all files were moved: %(reason)s. Nothing is lost; start it again when that "
                "is mended."
            )
            reason = str(error.strerror or error).rstrip(".")
            raise CommandError(message % {"reason": reason}) from None
        self._say(moved, options["to"])

    def _say(self, moved: Moved, target: str) -> None:
        message = _("Moved: %(files)s files (%(size)s); %(there)s were there already.")
        params = {
            "files": moved.copied_count,
            "size": filesizeformat(moved.copied_bytes),
            "there": moved.there_count,
        }
        self.stdout.write(message % params)
        for name in moved.changed:
            self.stderr.write(_("%(file)s is not what its run recorded.") % {"file": name})
        message = _("Now set CWEXPORT_FILES=%(target)s on every machine, then start again.")
        self.stdout.write(message % {"target": target})


def _check_quiet() -> None:
    """Nothing may publish a file into the place that is being emptied."""
    count = Worker.objects.alive().count()
    if count:
        message = _(
            "%(count)s workers are alive. Stop `serve` and all workers on every machine first; "
            "one that was killed counts as dead after half a minute."
        )
        raise CommandError(message % {"count": count})
    if run := Run.objects.running().first():
        message = _(
            "%(run)s is running, or its worker died with it. Start a worker to finish it, stop "
            "that again, then move the files."
        )
        raise CommandError(message % {"run": run})
