"""`manage.py demo`: the whole product against the stand-in ConnectWise, in one command."""

import fcntl
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.access.roles import Role, set_role
from exports.connectwise.http import outgoing
from exports.demo.account import Account
from exports.demo.growth import growing
from exports.demo.server import StandIn
from exports.live_checks.connection_check import test_connection
from exports.management.commands.serve import prepare
from exports.management.living_demo.past import Past
from exports.management.living_demo.sftp_server import SftpServer
from exports.management.living_demo.surroundings import connect, make_destination, surroundings
from exports.management.living_demo.tasks import ALL, NIGHTLY, make_task, make_tasks
from exports.models import Connection, Run, Task
from exports.models.errors import RunActiveError
from exports.storage import files
from exports.workers import jobs
from exports.workers.stop_signals import on_stop_signals
from exports.workers.supervisor import (
    PortTakenError,
    Serving,
    WebServerEndedError,
    check_port,
)

USER = "demo"
# Further logins, named as their role.
SMALLER_ROLES = (Role.OPERATOR, Role.VIEWER)
FOLDER = "demo"
_STARTED_AGAIN = "--started-again"
# Variables that a real installation on this machine may have set.
_REAL_SETTINGS = {
    "ALLOWED_HOSTS",
    "CONNECTWISE_CLIENT_ID",
    "CWEXPORT_BEHIND_HTTPS",
    "CWEXPORT_CA_FILE",
    "CWEXPORT_DELIVERY_FOLDERS",
    "CWEXPORT_ENCRYPTION_KEYS",
    "CWEXPORT_EXPORT_DIR",
    "CWEXPORT_PROXY",
    "CWEXPORT_PROXY_HOSTS",
    "CWEXPORT_PUBLIC_URL",
    "CWEXPORT_QUEUE",
    "CWEXPORT_SMTP_FROM",
    "CWEXPORT_SMTP_HOST",
    "CWEXPORT_SMTP_PASSWORD",
    "CWEXPORT_SMTP_PORT",
    "CWEXPORT_SMTP_TLS",
    "CWEXPORT_SMTP_USER",
    "CWEXPORT_TRUSTED_PROXIES",
    "DATABASE_URL",
    "SECRET_KEY",
}
_STILL_ACTIVE = {
    Run.Status.QUEUED: gettext_noop("%(run)s is still queued after %(seconds)s s."),
    Run.Status.RUNNING: gettext_noop("%(run)s is still running after %(seconds)s s."),
}
_PATIENCE = 120.0  # seconds for the web server and the export together
_LATENCY = 0.03  # seconds for each answer, so that the run's progress can be watched


class Command(BaseCommand):
    help = _("Runs the dashboard, a worker and a stand-in ConnectWise, and exports its batches.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help=_("stop after the export"))
        parser.add_argument("--port", type=int, default=8000, help=_("of the dashboard"))
        parser.add_argument(_STARTED_AGAIN, action="store_true", help=SUPPRESS)
        parser.add_argument("--connectwise-port", type=int, default=8010, help=_("of the stand-in"))

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["started_again"]:
            _use_demo_settings()
        on_stop_signals(_end_quietly)
        port = options["port"]
        _check_ports(port, options["connectwise_port"])
        lock, is_exported = _lock(), False
        self.stdout.write(_("Making the database …"))
        prepare(self.stderr.write, tell_step=self.stdout.write)
        self.stdout.write(_("Starting web server, workers and the stand-in ConnectWise …"))
        serving = Serving(bind="127.0.0.1", port=port, worker_count=2)
        stand_in = StandIn(port=options["connectwise_port"], latency=_LATENCY)
        folder = Path(settings.CWEXPORT_DATA_DIR)
        with surroundings(folder) as (sftp, arrivals), stand_in, _started(serving):
            _wait_for_web(port)
            self.stdout.write(_("Making users, tasks and a connection, which is tested …"))
            _demo_users()
            connection = _demo_connection(stand_in)
            tasks = make_tasks(connection)
            test_connection(connection)
            self._print_login(port, once=options["once"])
            self._print_line(_("Arrivals:"), arrivals.url)
            self._print_keys(stand_in)
            self.stdout.write(_("Exporting its batches …"))
            run = _export(connection)
            self._print(run)
            is_exported = run.status == Run.Status.SUCCEEDED
            if is_exported and not options["once"]:
                self.stdout.write(_("Ctrl-C ends the demo."))
                self._fill(stand_in, sftp, tasks)
                with growing(stand_in):
                    serving.watch(self.stderr.write)
        lock.close()
        if not is_exported:
            sys.exit(1)

    def _fill(self, stand_in: StandIn, sftp: SftpServer, tasks: Mapping[str, Task]) -> None:
        """While the dashboard is in use already: everything that makes it look lived in."""
        if not tasks[NIGHTLY].runs.exists():
            self.stdout.write(_("Making two weeks of history meanwhile …"))
            person = User.objects.get(username=USER)
            Past(stand_in, tasks, person, tell=self.stdout.write).make()
        connect(tasks, make_destination(sftp))
        self.stdout.write(_("Schedules, mails and deliveries go on by themselves now."))

    def _print_login(self, port: int, *, once: bool) -> None:
        address = f"http://127.0.0.1:{port}/"
        if once:
            address = _("%(address)s (stops after the export)") % {"address": address}
        self._print_line(_("Dashboard:"), address)
        self._print_line(_("Login:"), USER)
        self._print_line(_("Password:"), _password())
        names = ", ".join(role.value for role in SMALLER_ROLES)
        others = _("%(names)s (the same password, smaller roles)") % {"names": names}
        self._print_line(_("Others:"), others)

    def _print_keys(self, stand_in: StandIn) -> None:
        """Print what a connection made by hand needs; the stand-in's keys are always the same."""
        account = Account()
        self.stdout.write(_("A second connection to the stand-in ConnectWise takes:"))
        fields = {
            _("Site"): stand_in.url,
            _("Company"): account.company,
            _("Public Key"): account.public_key,
            _("Private Key"): account.private_key,
            _("Client ID"): account.client_id,
        }
        for label, text in fields.items():
            self._print_line(f"{label}:", text)

    def _print(self, run: Run) -> None:
        if run.status == Run.Status.SUCCEEDED:
            self.stdout.write(_("%(run)s succeeded.") % {"run": run})
            self._print_line(_("XML:"), files.store().where(run.file_path))
            self._print_line(_("Batches:"), run.batch_count)
            self._print_line(_("SHA-256:"), run.file_sha256)
        else:
            params = {"run": run, "status": run.get_status_display(), "reason": run.error}
            self.stderr.write(_("%(run)s, %(status)s: %(reason)s") % params)

    def _print_line(self, label: str, text: object) -> None:
        self.stdout.write(f"  {label:<12} {text}")


def _end_quietly(signum: int, frame: FrameType | None) -> None:
    """Treat every signal as Ctrl-C, so that web server and worker end with the demo."""
    raise KeyboardInterrupt


def _check_ports(port: int, connectwise_port: int) -> None:
    try:
        check_port("127.0.0.1", port)
        check_port("127.0.0.1", connectwise_port, "--connectwise-port")
    except PortTakenError as error:
        raise CommandError(str(error)) from None
    if port == connectwise_port:
        raise CommandError(_("--port and --connectwise-port must be two different ports."))


def _lock() -> IO[str]:
    """Held until this process ends: a second demo would close the first one's connection."""
    lock = (Path(settings.CWEXPORT_DATA_DIR) / "demo.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(
            _(
                "The demo is running already: end it with Ctrl-C where it was started, or give "
                "this one a folder of its own with CWEXPORT_DATA_DIR."
            )
        ) from None
    except OSError:
        pass  # a file system without locks: the ports in use stop a second demo
    return lock


def _use_demo_settings() -> None:
    """Start this command again with the demo's settings.

    The demo calls loopback over plain http and has its own folder, database and secrets, so that a
    real installation beside it is not changed.
    """
    folder = Path(settings.CWEXPORT_DATA_DIR)
    kept = {name: value for name, value in os.environ.items() if name not in _REAL_SETTINGS}
    wanted = {
        "CWEXPORT_DATA_DIR": str(folder / FOLDER),
        "CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CWEXPORT_ALLOW_HTTP": "true",
        # Each line at once, also into a pipe.
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, *sys.argv, _STARTED_AGAIN]
    os.execve(sys.executable, command, {**kept, **wanted})  # noqa: S606 - ourselves


@contextmanager
def _started(serving: Serving) -> Iterator[None]:
    try:
        serving.start()
        yield
    except KeyboardInterrupt:
        pass  # Ctrl-C before `watch` began: end just as quietly
    except WebServerEndedError as error:
        raise CommandError(str(error)) from None
    finally:
        serving.stop()


def _wait_for_web(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with (
                outgoing.allow("127.0.0.1", port, "the demo", policy=None),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=5),
            ):
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                message = _("The dashboard did not answer: %(reason)s")
                raise CommandError(message % {"reason": error}) from None
            time.sleep(0.2)


def _export(connection: Connection) -> Run:
    """Queue a run and wait until the worker has ended it."""
    task = make_task(ALL, connection)
    try:
        run = jobs.queue_run(task, Run.Trigger.COMMAND)
    except RunActiveError as error:
        run = error.run  # left by a demo that was stopped during a run
    deadline = time.monotonic() + _PATIENCE
    while run.is_active and time.monotonic() < deadline:
        time.sleep(0.2)
        run.refresh_from_db()
    if run.is_active:
        message = _(_STILL_ACTIVE[Run.Status(run.status)])
        raise CommandError(message % {"run": run, "seconds": f"{_PATIENCE:.0f}"})
    return run


def _demo_connection(stand_in: StandIn) -> Connection:
    account = Account()
    connection = Connection.objects.filter(name="Demo ConnectWise").first()
    connection = connection or Connection(name="Demo ConnectWise")
    connection.site = stand_in.url
    connection.company, connection.public_key = account.company, account.public_key
    connection.client_id = account.client_id
    connection.write_private_key(account.private_key)
    connection.save()
    return connection


def _demo_users() -> None:
    user = _demo_user(USER, Role.ADMIN, is_staff=True, is_superuser=True)
    if not user.check_password(_password()):
        user.set_password(_password())
        user.save()
    others = [_demo_user(role.value, role).pk for role in SMALLER_ROLES]
    # They share the hash, as each would take as long as a login.
    User.objects.filter(pk__in=others).update(password=user.password)


def _demo_user(name: str, role: Role, **rights: bool) -> User:
    user, is_new = User.objects.get_or_create(username=name, defaults=rights)
    if is_new:
        set_role(user, role)
    return user


def _password() -> str:
    """Created once and kept, so that yesterday's login still works."""
    path = Path(settings.CWEXPORT_DATA_DIR) / "demo_password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12))
    return path.read_text()
