"""What a worker does besides runs: ticks, delivers files, sends messages, recovers, tidies up."""

import threading

from exports import clock
from exports.connectwise.language import gettext as _
from exports.delivery.senders import Senders
from exports.housekeeping import rounds
from exports.housekeeping.identifiers import IdentifierFill
from exports.notifications.certificates import watch_certificates
from exports.notifications.sending import send_messages
from exports.notifications.system_events import watch_disk
from exports.schedules.alarms import watch
from exports.schedules.ticking import tick
from exports.workers import recovery
from exports.workers.duty_threads import Among, Duty, DutyThread, Shares
from exports.workers.jobs import enqueue_unblocked, queue_scheduled
from exports.workers.workflow_jobs import advance_workflows

# Seconds, for one worker alone.
TICK_EVERY = 2.0
ADVANCE_EVERY = 3.0
UNBLOCK_EVERY = 5.0
DELIVER_EVERY = 5.0
SEND_MESSAGES_EVERY = 5.0
RECOVER_EVERY = 10.0
WATCH_EVERY = 15.0
TIDY_EVERY = 60.0
LOOK_AT_DISK_EVERY = 60.0
LOOK_AT_CERTIFICATES_EVERY = 600.0


class Duties:
    """The duties of this process, from `start` to `stop`."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._over = threading.Event()
        # Set when a run has ended: its file may need delivery, or a workflow goes on.
        self._run_ended = threading.Event()
        self._step_ended = threading.Event()
        self._senders = Senders(self._over.is_set)
        self._identifiers = IdentifierFill()
        self._has_recovered = False
        self._threads: list[DutyThread] = []

    def start(self) -> None:
        self._threads = [DutyThread(duty, self._shares, self._over) for duty in self.all()]

    def stop(self) -> None:
        self._over.set()
        self.run_ended()
        for thread in self._threads:
            thread.join(2)
        self._senders.join(2)

    def run_ended(self) -> None:
        """Look at once for what follows from the end of a run."""
        self._run_ended.set()
        self._step_ended.set()

    def all(self) -> list[Duty]:
        return [
            Duty(_("recovery"), RECOVER_EVERY, self._recover),
            Duty(_("schedules"), TICK_EVERY, lambda: tick(clock.now(), queue_scheduled)),
            Duty(_("alarms"), WATCH_EVERY, lambda: watch(clock.now())),
            Duty(_("housekeeping"), TIDY_EVERY, self._tidy),
            Duty(_("queued runs"), UNBLOCK_EVERY, enqueue_unblocked),
            Duty(_("workflows"), ADVANCE_EVERY, advance_workflows, wake=self._step_ended),
            Duty(_("messages"), SEND_MESSAGES_EVERY, lambda: send_messages(self._over.is_set)),
            Duty(
                _("certificates"),
                LOOK_AT_CERTIFICATES_EVERY,
                lambda: watch_certificates(self._over.is_set),
            ),
            Duty(
                _("deliveries"),
                DELIVER_EVERY,
                self._senders.start_due,
                Among.HOST,
                self._run_ended,
            ),
            Duty(_("disk space"), LOOK_AT_DISK_EVERY, watch_disk, Among.HOST),
        ]

    def _recover(self) -> None:
        recovery.recover(is_thorough=not self._has_recovered)
        self._has_recovered = True

    def _tidy(self) -> None:
        # First, as the round may delete the files that tell the identifiers.
        self._identifiers.tick(clock.now(), self._over.is_set)
        rounds.tick(clock.now(), self._over.is_set)
