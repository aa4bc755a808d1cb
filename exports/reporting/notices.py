"""What else needs attention besides runs: each with its reason and the way to mend it.

One query tells of which kinds there are any; only those are read.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from exports.models import (
    Acknowledgement,
    Channel,
    Delivery,
    EventState,
    HousekeepingRound,
    Installation,
    Schedule,
    Task,
    Worker,
    WorkflowRun,
)
from exports.models.codes import EventCode
from exports.models.events import TURNS
from exports.reporting import beside_user
from exports.reporting.deliveries import failing_sentence
from exports.reporting.hosts import difference
from exports.reporting.queue import queue_error
from exports.reporting.schedules import missed_schedules, overdue_tasks
from exports.templatetags.formatting import exact_text

# Of each kind; the page of the kind shows all.
MAX_SHOWN = 3
_SEEN = "acknowledgements"


@dataclass(frozen=True)
class Notice:
    """A line of what needs attention: `word` beside the icon of `kind`, then `name`, `sentence`."""

    kind: str
    word: str
    name: str
    # Where it is mended, as a URL name and its arguments: not everybody may go there.
    url_name: str
    url_args: tuple[object, ...]
    since: datetime | None
    sentence: str
    link_label: str
    anchor: str = ""
    # A button that mends it here, for who may press it: its URL name, with the same arguments as
    # what is acknowledged, and its label.
    press_name: str = ""
    press_label: str = ""
    # What is acknowledged: a thing in the state that it has had since then.
    topic: str = ""
    number: int = 0
    state_since: datetime | None = None

    @property
    def url(self) -> str:
        return reverse(self.url_name, args=self.url_args) + self.anchor


def notice_count() -> int:
    counted = sum(count or 0 for count in beside_user.ask(_questions()).values())
    return counted + bool(queue_error())


def notices() -> list[Notice]:
    return notices_and_seen()[0]


def notices_and_seen() -> tuple[list[Notice], bool]:
    """Each notice, and whether anything was ever acknowledged."""
    counts = beside_user.ask(
        {**_questions(), _SEEN: beside_user.count(Acknowledgement.objects.all())}
    )
    # A queue that is away cannot be acknowledged: nothing runs until it is back.
    of_queue = [_of_queue(error) for error in [queue_error()] if error]
    found = of_queue + [
        replace(
            kind.notice_of(row), topic=name, number=row.pk, state_since=getattr(row, kind.since)
        )
        for name, kind in _KINDS.items()
        if counts[name]
        for row in kind.unseen(name)[:MAX_SHOWN]
    ]
    return found, bool(counts[_SEEN])


def found_notice(topic: str, number: int) -> "tuple[Any, Notice] | None":
    """What needs attention under that topic and number, with its row; None when nothing does."""
    kind = _KINDS.get(topic)
    row = kind.unseen(topic).filter(pk=number).first() if kind else None
    if kind is None or row is None:
        return None
    since = getattr(row, kind.since)
    return row, replace(kind.notice_of(row), topic=topic, number=number, state_since=since)


def topics() -> "dict[str, tuple[QuerySet[Any], str]]":
    """Everything that fails, acknowledged or not, and the column of since when, by topic."""
    return {name: (kind.rows(), kind.since) for name, kind in _KINDS.items()}


@dataclass(frozen=True)
class _Kind:
    rows: Callable[[], QuerySet[Any]]
    notice_of: Callable[[Any], Notice]
    # The column of since when its state has been so.
    since: str

    def unseen(self, name: str) -> QuerySet[Any]:
        """Without what somebody has acknowledged."""
        rows: QuerySet[Any] = Acknowledgement.objects.leave_out(self.rows(), name, self.since)
        return rows


def _questions() -> dict[str, Any]:
    return {name: beside_user.count(kind.unseen(name)) for name, kind in _KINDS.items()}


def _failed_workflow_runs() -> QuerySet[Any]:
    """The newest run of each workflow, where it failed."""
    kept = WorkflowRun.objects.filter(workflow__archived_at=None)
    newest = kept.order_by().values("workflow").annotate(newest=Max("pk")).values("newest")
    failed = WorkflowRun.objects.filter(pk__in=newest, status=WorkflowRun.Status.FAILED)
    return failed.select_related("workflow").order_by("-id")


def _failing_deliveries() -> QuerySet[Any]:
    failing = Delivery.objects.failing().filter(run__task__archived_at=None)
    return failing.select_related("run__task").order_by("-id")


def _full_disks() -> QuerySet[Any]:
    turn = TURNS[EventCode.DISK_NEARLY_FULL]
    is_of_disk = Q(subject__startswith=f"{turn.topic}:", state=turn.state)
    return EventState.objects.filter(is_of_disk).order_by("id")


def _failed_rounds() -> QuerySet[Any]:
    """The newest round of housekeeping, where it failed."""
    newest = HousekeepingRound.objects.ended().values("pk")[:1]
    failed = HousekeepingRound.Status.FAILED
    return HousekeepingRound.objects.filter(pk__in=newest, status=failed).order_by("pk")


def _of_queue(error: str) -> Notice:
    message = _("%(reason)s Runs wait, and start within a minute after that is mended.")
    return Notice(
        kind="failed",
        word=_("Out of reach"),
        name=_("Queue"),
        url_name="help-operators",
        url_args=(),
        since=None,
        sentence=message % {"reason": error},
        link_label=_("What to do"),
        anchor="#queue",
    )


def _of_channel(channel: Channel) -> Notice:
    return Notice(
        kind="failed",
        word=_("Not sent"),
        name=channel.name,
        url_name="channel-edit",
        url_args=(channel.pk,),
        since=channel.failing_since,
        sentence=_("Messages do not get out: %(reason)s") % {"reason": channel.failure},
        link_label=_("Mend the channel"),
    )


def _of_delivery(delivery: Delivery) -> Notice:
    return Notice(
        kind="failed",
        word=_("Not delivered"),
        name=str(delivery),
        url_name="run-detail",
        url_args=(delivery.run_id,),
        since=delivery.finished_at,
        sentence=failing_sentence(delivery),
        link_label=_("Open the run"),
        press_name="delivery-try" if delivery.state == Delivery.State.WAITING else "",
        press_label=_("Try now"),
    )


def _of_schedule(schedule: Schedule) -> Notice:
    missed_at = schedule.missed_due_at
    message = _("Nothing succeeded for the time it was due, %(time)s, and the grace is over.")
    return Notice(
        kind="warning",
        word=_("Missed"),
        name=str(schedule.target),
        url_name="schedule-detail",
        url_args=(schedule.pk,),
        since=missed_at,
        sentence=message % {"time": exact_text(missed_at) if missed_at else ""},
        link_label=_("Open the schedule"),
    )


def _of_overdue_task(task: Task) -> Notice:
    return Notice(
        kind="warning",
        word=_("Overdue"),
        name=task.name,
        url_name="task-detail",
        url_args=(task.pk,),
        since=task.overdue_since,
        sentence=_("There was no success for longer than the task allows."),
        link_label=_("Open the task"),
    )


def _of_workflow_run(run: WorkflowRun) -> Notice:
    return Notice(
        kind="failed",
        word=_("Failed"),
        name=str(run),
        url_name="workflow-run-detail",
        url_args=(run.pk,),
        since=run.finished_at,
        sentence=run.error,
        link_label=_("Open the workflow run"),
    )


def _of_disk(state: EventState) -> Notice:
    return Notice(
        kind="warning",
        word=_("Disk"),
        name=state.subject.partition(":")[2],
        url_name="housekeeping",
        url_args=(),
        since=state.since,
        sentence=_("The disk is nearly full: exports fail once it is. Free some space there."),
        link_label=_("See what cwexport uses"),
    )


def _of_round(failed: HousekeepingRound) -> Notice:
    return Notice(
        kind="warning",
        word=_("Failed"),
        name=_("Housekeeping"),
        url_name="housekeeping",
        url_args=(),
        since=failed.finished_at,
        sentence=failed.error,
        link_label=_("Open housekeeping"),
    )


def _of_restore(restored: Installation) -> Notice:
    made_at = restored.restored_from
    message = _(
        "Dates and ledger are those of the backup of %(time)s. Schedules and workflows start "
        "nothing until somebody has confirmed that exports go on from there."
    )
    return Notice(
        kind="warning",
        word=_("Restored"),
        name=_("Restored from a backup"),
        url_name="backups",
        url_args=(),
        since=restored.restored_at,
        sentence=message % {"time": exact_text(made_at) if made_at else ""},
        link_label=_("Look at it"),
    )


def _of_worker(worker: Worker) -> Notice:
    return Notice(
        kind="warning",
        word=_("Differs"),
        name=worker.host or "?",
        url_name="help-operators",
        url_args=(),
        since=worker.started_at,
        sentence=difference(worker),
        link_label=_("What to do"),
    )


_KINDS: dict[str, _Kind] = {
    "restores": _Kind(Installation.objects.restored, _of_restore, "restored_at"),
    "disks": _Kind(_full_disks, _of_disk, "since"),
    "hosts": _Kind(Worker.objects.differing, _of_worker, "started_at"),
    "workflows": _Kind(_failed_workflow_runs, _of_workflow_run, "finished_at"),
    "schedules": _Kind(missed_schedules, _of_schedule, "missed_due_at"),
    "tasks": _Kind(overdue_tasks, _of_overdue_task, "overdue_since"),
    "deliveries": _Kind(_failing_deliveries, _of_delivery, "finished_at"),
    "channels": _Kind(Channel.objects.failing, _of_channel, "failing_since"),
    "housekeeping": _Kind(_failed_rounds, _of_round, "finished_at"),
}
