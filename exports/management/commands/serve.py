import logging
import re
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from exports.logs.output import output_of
from exports.management.public_links import printed_link
from exports.models import Installation
from exports.models.joining import issue_set_up_link
from exports.storage.belonging import database_name
from exports.storage.capabilities import FolderUnusableError, check_capabilities
from exports.storage.permissions import close_to_others
from exports.workers.start_checks import StartError, check_database, check_start, unreadable_keys
from exports.workers.start_lock import alone
from exports.workers.supervisor import (
    PortTakenError,
    Serving,
    WebServerEndedError,
    check_port,
)

_LOOPBACK = ("127.0.0.1", "::1", "[::1]", "localhost")


class Command(BaseCommand):
    help = _("Brings the database up to date and runs web server and workers until Ctrl-C.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1", help=_("address (default: 127.0.0.1)"))
        parser.add_argument("--port", type=int, default=8000, help=_("port (default: 8000)"))
        parser.add_argument(
            "--workers",
            type=int,
            # Each takes about 60 MB; a run that waits for an unreachable host keeps one busy.
            default=4,
            choices=range(33),
            help=_(
                "worker processes, each executes one run at a time (default: 4); 0: the web server "
                "alone, with workers elsewhere by `manage.py worker`"
            ),
            metavar="0..32",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout = output_of(self.stdout, logging.INFO)
        self.stderr = output_of(self.stderr, logging.WARNING)
        bind, port = options["bind"], options["port"]
        try:
            check_port(bind, port)
        except PortTakenError as error:
            raise CommandError(str(error)) from None
        self._print_places()
        prepare(self.stderr.write)
        self._print_set_up_link(bind, port)
        if bind not in _LOOPBACK and not settings.CWEXPORT_BEHIND_HTTPS:
            self.stderr.write(_open_message(bind))
        serving = Serving(bind=bind, port=port, worker_count=options["workers"])
        # Before the first process starts, so that an early signal ends all of them.
        serving.take_signals()
        serving.start()
        message = _("The dashboard is at %(address)s (Ctrl-C ends it).")
        self.stdout.write(message % {"address": f"http://{_host(bind)}:{port}/"})
        try:
            serving.watch(self.stderr.write)
        except WebServerEndedError as error:
            raise CommandError(str(error)) from None

    def _print_set_up_link(self, bind: str, port: int) -> None:
        """While nobody can log in: the way to the first login, on this console alone."""
        if token := issue_set_up_link():
            link = printed_link(token, f"http://{_host(bind)}:{port}")
            self.stdout.write(
                _(
                    "Nobody can log in yet. Make the first login within a day, by this link, which "
                    "works once:"
                )
            )
            self.stdout.write(f"  {link}")

    def _print_places(self) -> None:
        """Print folder and database, to tell two installations on one machine apart."""
        self.stdout.write(_("Data folder: %(folder)s") % {"folder": settings.CWEXPORT_DATA_DIR})
        self.stdout.write(_("Database: %(database)s") % {"database": database_name()})


def _host(bind: str) -> str:
    """The address to open in a browser; for all interfaces, localhost."""
    address = bind.strip("[]")
    if address in ("0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        return "localhost"
    return f"[{address}]" if ":" in address else address


def _open_message(bind: str) -> str:
    return _(
        "The dashboard listens on %(bind)s without TLS: everybody who can reach this machine can "
        "try to log in, and whoever is on the way reads passwords and files. Put a proxy that "
        "speaks https before it and set CWEXPORT_BEHIND_HTTPS=true (docs/operating.md), or leave "
        "--bind out. List every name that people open it by, besides localhost, in ALLOWED_HOSTS."
    ) % {"bind": bind}


class _Migrations:
    """Where `migrate` writes to: tells the name of each migration when it begins."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell

    def write(self, text: str) -> None:
        if begun := re.search(r"Applying (\S+)\.\.\.", text):
            self._tell(f"  {begun[1]}")

    def flush(self) -> None:
        """Told at once."""


def prepare(
    tell: Callable[[str], object], *, tell_step: Callable[[str], object] = lambda step: None
) -> None:
    """Prepare folder, database and static files for this version; safe to repeat."""
    try:
        for sentence in [*close_to_others(), *check_capabilities()]:
            tell(sentence)
    except FolderUnusableError as error:
        raise CommandError(str(error)) from None
    with alone(tell):
        _prepare_database(tell, tell_step)
        tell_step(_("Collecting the static files …"))
        call_command("collectstatic", verbosity=0, interactive=False)


def _prepare_database(tell: Callable[[str], object], tell_step: Callable[[str], object]) -> None:
    try:
        check_database()
        call_command("migrate", verbosity=1, interactive=False, stdout=_Migrations(tell_step))
        check_start()
    except StartError as error:
        raise CommandError(str(error)) from None
    Installation.objects.note_settings(settings.CWEXPORT_GIVEN_SETTINGS)
    for sentence in unreadable_keys():
        tell(sentence)
