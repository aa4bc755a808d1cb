"""What surrounds the demo: schedules, a workflow, a mail sink and an SFTP server on loopback."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exports import clock
from exports.demo.arrivals import Arrivals
from exports.demo.mail_sink import MailSink
from exports.live_checks.destination_check import test_destination
from exports.management.living_demo.sftp_server import PASSWORD, USER, SftpServer
from exports.management.living_demo.tasks import ARCHIVE, EXPENSES, NIGHTLY, PRODUCTS
from exports.models import Channel, Destination, Schedule, Task, TaskDestination, Workflow
from exports.models.codes import EventCode
from exports.schedules.planning import save_planned

_SFTP = "SFTP server of the demo"
_MAIL = "Mails to accounting"
_WORKFLOW = "Month end"
# Often enough to watch: every minute, every third, and on the last day of the month.
_CRON = {NIGHTLY: "* * * * *", EXPENSES: "*/3 * * * *", ARCHIVE: "0 4 L * *"}


@contextmanager
def surroundings(folder: Path) -> Iterator[tuple[SftpServer, Arrivals]]:
    """Mail sink, SFTP server and the page that shows what arrived; until the demo ends.

    Their ports are free ones, told to the programs of the demo by its settings.
    """
    with (
        MailSink() as sink,
        SftpServer(folder / "sftp", folder / "sftp-host.key") as sftp,
        Arrivals(sink, sftp.folder, sftp.login) as arrivals,
    ):
        os.environ.update(
            {
                "CWEXPORT_SMTP_HOST": "127.0.0.1",
                "CWEXPORT_SMTP_PORT": str(sink.port),
                "CWEXPORT_SMTP_TLS": "none",
                "CWEXPORT_SMTP_FROM": "cwexport <exports@example.com>",
                "CWEXPORT_DEMO_ARRIVALS": arrivals.url,
            }
        )
        yield sftp, arrivals


def make_destination(sftp: SftpServer) -> Destination:
    """The SFTP server as a destination; its port is another one in every demo."""
    destination = Destination.objects.filter(name=_SFTP).first()
    destination = destination or Destination(name=_SFTP, kind="sftp")
    destination.address = {"host": "127.0.0.1", "port": sftp.port, "user": USER, "folder": ""}
    destination.write_secrets({"password": PASSWORD})
    destination.save()
    test_destination(destination)
    return destination


def connect(tasks: Mapping[str, Task], destination: Destination) -> None:
    """Let the tasks run, deliver and tell by themselves."""
    for name in (NIGHTLY, EXPENSES):
        TaskDestination.objects.get_or_create(task=tasks[name], destination=destination)
    _make_channel()
    _make_workflow(tasks)
    for name, cron in _CRON.items():
        if not Schedule.objects.filter(task=tasks[name]).exists():
            save_planned(Schedule(task=tasks[name], cron=cron, zone="UTC"), clock.now())


def _make_channel() -> None:
    settings: dict[str, Any] = {"to": "accounting@example.com"}
    channel, is_new = Channel.objects.get_or_create(
        name=_MAIL, defaults={"kind": "email", "settings": settings}
    )
    if is_new:
        channel.subscribe([code for code in EventCode.values if code != EventCode.REPORT])


def _make_workflow(tasks: Mapping[str, Task]) -> None:
    workflow, is_new = Workflow.objects.get_or_create(name=_WORKFLOW)
    if is_new:
        workflow.replace_steps([tasks[name] for name in (NIGHTLY, PRODUCTS, ARCHIVE)])
        save_planned(Schedule(workflow=workflow, cron="0 20 L * *", zone="UTC"), clock.now())
