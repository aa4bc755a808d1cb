"""What is wrong with an installation as a whole, part by part, and what to do (rule Q1).

Seen from this process, with its settings: on each host the answer may be another one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from exports.backups.versions import newer_database, older_database
from exports.models import Channel, Installation
from exports.models.hosts import CLOCK_LIMIT, clock_ahead
from exports.notifications.errors import ChannelError
from exports.notifications.smtp import MailServer
from exports.reporting.hosts import (
    clock_sentence,
    key_findings,
    version_findings,
    worker_clocks,
)
from exports.storage import files
from exports.storage.belonging import database_name
from exports.storage.capabilities import FolderUnusableError, check_capabilities
from exports.storage.disk_room import disk_room
from exports.storage.readiness import storage_problems
from exports.workers.queues.chosen import queue_problems
from exports.workers.queues.engine import QueueError
from exports.workers.start_checks import StartError, check_database, unreadable_keys

_MEGABYTE: Final = 1_000_000


class State(StrEnum):
    FINE = "fine"
    # Worth knowing; exports go on.
    NOTICE = "notice"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """A sentence about one part: what is so, and where it is wrong what to do."""

    part: str
    state: State
    sentence: str


Found = Iterator[tuple[State, str]]


def examine() -> list[Finding]:
    """Every part in order; those that need the database are left out while it is out of reach."""
    findings: list[Finding] = []
    for part, look in _PARTS.items():
        findings += [Finding(part, *found) for found in _looked(look)]
        if part in _NEEDED and any(one.state == State.WRONG for one in findings):
            return findings + [Finding(*one) for one in _without_database()]
    return findings


def _looked(look: Callable[[], Found]) -> Found:
    try:
        yield from look()
    except (FolderUnusableError, StartError, QueueError) as error:
        yield State.WRONG, str(error)
    except (DatabaseError, OSError) as error:
        reason = [*str(error).strip().splitlines(), type(error).__name__][0]
        yield State.WRONG, _("It cannot be looked at: %(reason)s") % {"reason": reason}


def _database() -> Found:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        reason = [*str(error).strip().splitlines(), _("no reason given")][0].rstrip(".")
        message = _(
            "%(database)s does not answer: %(reason)s. Check DATABASE_URL and that the server runs."
        )
        yield State.WRONG, message % {"database": database_name(), "reason": reason}
        return
    yield State.FINE, _("%(database)s answers.") % {"database": database_name()}


def _migrations() -> Found:
    check_database()
    if sentence := older_database() or newer_database():
        yield State.WRONG, sentence
    elif "exports_run" not in connection.introspection.table_names():
        yield State.WRONG, _("The database is empty. `manage.py migrate` makes its tables.")
    else:
        yield State.FINE, _("The database is of this version.")
        if Installation.objects.held() is not None:
            yield (
                State.NOTICE,
                _(
                    "It was restored from a backup: nothing starts by itself until an admin "
                    "presses “Go on from here” under Settings > Backups."
                ),
            )


def _queue() -> Found:
    problems = queue_problems()
    yield from ((State.WRONG, sentence) for sentence in problems)
    if not problems:
        engine = _("Redis") if settings.CWEXPORT_QUEUE else _("the database")
        yield State.FINE, _("Runs reach workers by %(engine)s.") % {"engine": engine}


def _files() -> Found:
    sentences = check_capabilities()
    problems = storage_problems()
    yield from ((State.NOTICE, sentence) for sentence in sentences)
    yield from ((State.WRONG, sentence) for sentence in problems)
    if not sentences and not problems:
        folder = files.store().where()
        yield State.FINE, _("Files can be kept in %(folder)s.") % {"folder": folder}


def _keys() -> Found:
    wrong = [*unreadable_keys(), *key_findings()]
    yield from ((State.WRONG, sentence) for sentence in wrong)
    if not wrong:
        yield State.FINE, _("The keys open what is stored, and all hosts seen have the same.")


def _clocks() -> Found:
    ahead = clock_ahead()
    clocks = {_("this host"): ahead, **worker_clocks()}
    wrong = {host: seconds for host, seconds in clocks.items() if abs(seconds) > CLOCK_LIMIT}
    for host, seconds in wrong.items():
        yield State.NOTICE, clock_sentence(host, seconds)
    if not wrong:
        yield State.FINE, _("All clocks agree with the database's.")


def _workers() -> Found:
    is_any, sentences = version_findings()
    if not is_any:
        yield (
            State.WRONG,
            _(
                "No worker is alive, so nothing is exported. `manage.py serve` starts some, "
                "`manage.py worker` starts one."
            ),
        )
    for sentence, is_fine in sentences:
        yield State.FINE if is_fine else State.NOTICE, sentence


def _disks() -> Found:
    named = (settings.CWEXPORT_DATA_DIR, settings.CWEXPORT_EXPORT_DIR, settings.CWEXPORT_FILES)
    for folder in (folder for folder in named if isinstance(folder, Path)):
        room = disk_room(folder)
        params = {"folder": folder, "free": f"{room.free // _MEGABYTE:,}"}
        if room.is_nearly_full:
            message = _("Only %(free)s MB are free at %(folder)s: make room, or exports fail.")
            yield State.WRONG, message % params
        else:
            yield State.FINE, _("%(free)s MB are free at %(folder)s.") % params


def _mail() -> Found:
    if not settings.CWEXPORT_SMTP_HOST:
        names = ", ".join(Channel.objects.filter(kind="email").values_list("name", flat=True))
        message = _("No mail is sent, as CWEXPORT_SMTP_HOST is not set, but %(channels)s need it.")
        if names:
            yield State.WRONG, message % {"channels": names}
        else:
            yield State.FINE, _("No mail is sent: CWEXPORT_SMTP_HOST is not set.")
        return
    try:
        server = MailServer(lambda: False)
        try:
            server.connect()
            server.log_in()
        finally:
            server.close()
    except ChannelError as error:
        yield State.WRONG, str(error)
        return
    params = {"server": f"{settings.CWEXPORT_SMTP_HOST}:{settings.CWEXPORT_SMTP_PORT}"}
    yield State.FINE, _("%(server)s takes our login.") % params


def _without_database() -> Iterator[tuple[str, State, str]]:
    yield from (("disk", *found) for found in _looked(_disks))
    yield "the rest", State.WRONG, _("It needs the database, and was not looked at.")


_PARTS: Final[dict[str, Callable[[], Found]]] = {
    "database": _database,
    "migrations": _migrations,
    "queue": _queue,
    "files": _files,
    "keys": _keys,
    "clocks": _clocks,
    "workers": _workers,
    "disk": _disks,
    "mail": _mail,
}
_NEEDED: Final = ("database", "migrations")
