"""Events: what people are told, once for each change of state (rules N2 to N4).

`record_event` is called in the transaction that causes the event. It keeps the last state of each
subject, so that thirty failures and a success are two events, whoever records them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.db.models import F

from exports import clock
from exports.models.channels import Channel
from exports.models.codes import EventCode
from exports.models.message_field import MessageField
from exports.models.messages import Message

if TYPE_CHECKING:
    from exports.models.connections import Connection
    from exports.models.deliveries import Delivery
    from exports.models.runs import Run
    from exports.models.tasks import Task

OK = "ok"


@dataclass(frozen=True)
class Turn:
    """A change of state: of which topic of its subject, and to which state."""

    topic: str
    state: str

    @property
    def is_good(self) -> bool:
        return self.state == OK


# One message per change of state: what is not in this table (the report) has no state.
TURNS: dict[EventCode, Turn] = {
    EventCode.FAILED: Turn("result", "failed"),
    EventCode.SUSPICIOUS: Turn("result", "suspicious"),
    EventCode.RECOVERED: Turn("result", OK),
    EventCode.MISSED: Turn("due", "missed"),
    EventCode.ON_TIME_AGAIN: Turn("due", OK),
    EventCode.NO_SUCCESS: Turn("success", "none"),
    EventCode.SUCCESS_AGAIN: Turn("success", OK),
    EventCode.DELIVERY_FAILED: Turn("delivery", "failed"),
    EventCode.DELIVERY_RECOVERED: Turn("delivery", OK),
    EventCode.WORKFLOW_FAILED: Turn("workflow", "failed"),
    EventCode.WORKFLOW_RECOVERED: Turn("workflow", OK),
    EventCode.NO_WORKER_ALIVE: Turn("workers", "none"),
    EventCode.WORKER_BACK: Turn("workers", OK),
    EventCode.DISK_NEARLY_FULL: Turn("disk", "nearly_full"),
    EventCode.DISK_OK: Turn("disk", OK),
    EventCode.KEY_REFUSED: Turn("key", "refused"),
    EventCode.KEY_ACCEPTED: Turn("key", OK),
    EventCode.CERTIFICATE_EXPIRING: Turn("certificate", "expiring"),
    EventCode.CERTIFICATE_RENEWED: Turn("certificate", OK),
}


class EventState(models.Model):
    """The present state of one topic of one subject; a row exists once it was not ok."""

    subject = models.CharField(max_length=150, unique=True)
    state = models.CharField(max_length=20, default=OK)
    since = models.DateTimeField(default=clock.now)
    # How often the state was recorded since it began.
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.subject}: {self.state}"


class EventQuerySet(models.QuerySet["Event"]):
    def newest_first(self) -> "EventQuerySet":
        return self.order_by("-id")


class Event(models.Model):
    """A change of state that people are told about, or a run's report."""

    code = models.CharField(max_length=30, choices=EventCode.choices)
    subject = models.CharField(max_length=150)
    # The name at that time, as the event outlives what it is about.
    subject_name = models.CharField(max_length=200, blank=True)
    task = models.ForeignKey("exports.Task", models.SET_NULL, null=True, related_name="events")
    run = models.ForeignKey("exports.Run", models.SET_NULL, null=True, related_name="events")
    connection = models.ForeignKey(
        "exports.Connection", models.SET_NULL, null=True, related_name="events"
    )
    # Bare numbers: these rows may be gone while the event is kept.
    workflow_number = models.BigIntegerField(null=True)
    workflow_run_number = models.BigIntegerField(null=True)
    schedule_number = models.BigIntegerField(null=True)
    delivery_number = models.BigIntegerField(null=True)
    reason = MessageField(blank=True)
    # Of a report: succeeded, suspicious or failed.
    result = models.CharField(max_length=12, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    # The state before: which, since when, and how often it was recorded.
    state_before = models.CharField(max_length=20, blank=True)
    before_since = models.DateTimeField(null=True)
    before_count = models.PositiveIntegerField(default=0)

    objects: ClassVar[Any] = EventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="event_created")]

    def __str__(self) -> str:
        return f"{self.get_code_display()}: {self.subject_name}"

    @property
    def order_key(self) -> str:
        """Messages about one task go out one after another (N4)."""
        return f"task:{self.task_id}" if self.task_id else self.subject


@transaction.atomic
def record_event(
    code: EventCode,
    *,
    task: "Task | None" = None,
    run: "Run | None" = None,
    workflow: Any = None,
    workflow_run: Any = None,
    schedule: Any = None,
    delivery: "Delivery | None" = None,
    connection: "Connection | None" = None,
    about: str = "",
    reason: str = "",
) -> Event | None:
    """Record a change of state, with a message for each channel that subscribed to it.

    Call it within the transaction that causes the event, as often as the state is met: it returns
    None, and tells nobody, when the subject was in that state already. Name what it is about: the
    others follow (a delivery names its run, a run its task). `about` tells two subjects apart that
    have nothing else, such as two disks, and is their name.
    """
    run = run or (delivery.run if delivery is not None else None)
    workflow = workflow or getattr(workflow_run, "workflow", None)
    workflow = workflow or getattr(schedule, "workflow", None)
    task = task or (run.task if run is not None else getattr(schedule, "task", None))
    named = schedule if code in (EventCode.MISSED, EventCode.ON_TIME_AGAIN) else None
    subject = _subject(code, named, workflow, task, connection, delivery, about)
    before = _change_state(subject, TURNS[code])
    if before is None:
        return None
    event = Event.objects.create(
        code=code,
        subject=subject,
        subject_name=str(task or workflow or connection or about)[:200],
        task=task,
        run=run,
        connection=connection,
        workflow_number=_number(workflow),
        workflow_run_number=_number(workflow_run),
        schedule_number=_number(schedule),
        delivery_number=_number(delivery),
        reason=reason,
        state_before=before.state,
        before_since=before.since,
        before_count=before.count,
    )
    _plan_messages(event)
    return event


def settle_event(code: EventCode, after: EventCode, *, task: "Task") -> None:
    """Set a task's state without telling anybody, as a person has seen to what came before."""
    subject = _subject(code, None, None, task, None, None, "")
    rows = EventState.objects.filter(subject=subject, state=TURNS[after].state)
    rows.update(state=TURNS[code].state, since=clock.now(), count=1)


def record_run_end(run: "Run") -> None:
    """The events of a run that has just ended. Whoever exports again watches it: none for those."""
    if run.is_reexport:
        return
    if run.status == run.Status.FAILED:
        result, code, reason = "failed", EventCode.FAILED, run.error
    elif run.suspicion:
        result, code, reason = "suspicious", EventCode.SUSPICIOUS, run.suspicion
    else:
        result, code, reason = "succeeded", EventCode.RECOVERED, ""
    record_event(code, run=run, reason=reason)
    if run.task.is_reported(result):
        _report(run.task, result, reason, f"report:run:{run.pk}", task=run.task, run=run)


def record_workflow_end(workflow_run: Any, *, has_failed: bool, reason: str = "") -> None:
    """The events of a workflow run that has just failed or succeeded."""
    code = EventCode.WORKFLOW_FAILED if has_failed else EventCode.WORKFLOW_RECOVERED
    record_event(code, workflow_run=workflow_run, reason=reason)
    workflow, result = workflow_run.workflow, "failed" if has_failed else "succeeded"
    if workflow.is_reported(result):
        numbers = {
            "workflow_number": workflow.pk,
            "workflow_run_number": workflow_run.pk,
        }
        _report(workflow, result, reason, f"report:workflow_run:{workflow_run.pk}", **numbers)


def _report(reported: Any, result: str, reason: str, subject: str, **about: Any) -> None:
    event = Event.objects.create(
        code=EventCode.REPORT,
        subject=subject,
        subject_name=str(reported),
        result=result,
        reason=reason,
        **about,
    )
    Message.objects.create(
        event=event,
        channel=reported.report_channel,
        order_key=event.order_key,
        with_log=reported.report_with_log,
        with_file=reported.report_with_file,
    )


def _subject(
    code: EventCode,
    schedule: Any,
    workflow: Any,
    task: "Task | None",
    connection: "Connection | None",
    delivery: "Delivery | None",
    about: str,
) -> str:
    """The key of the state: `topic:kind:number`, for a delivery with its destination."""
    topic = TURNS[code].topic
    if topic == "workflow":
        task = None
    kinds = {"schedule": schedule, "task": task, "workflow": workflow, "connection": connection}
    for kind, row in kinds.items():
        if row is not None:
            place = f":{_place(delivery)}" if delivery is not None else ""
            return f"{topic}:{kind}:{row.pk}{place}"
    return f"{topic}:{about}"[:150]


def _place(delivery: Any) -> str:
    number = getattr(delivery, "destination_id", None)
    return str(number if number is not None else delivery.destination)[:60]


def _number(row: Any) -> int | None:
    return None if row is None else row.pk


def _change_state(subject: str, turn: Turn) -> EventState | None:
    """Move the subject to this state and return the row as it was; None when it was there."""
    rows = EventState.objects.filter(subject=subject)
    if not turn.is_good:
        EventState.objects.bulk_create([EventState(subject=subject)], ignore_conflicts=True)
    while (before := rows.first()) is not None:
        if before.state == turn.state:
            if not turn.is_good:
                rows.filter(state=turn.state).update(count=F("count") + 1)
            return None
        # The row decides: another process may have recorded the same change.
        seen = rows.filter(state=before.state, since=before.since)
        if seen.update(state=turn.state, since=clock.now(), count=1) == 1:
            return before
    return None


def _plan_messages(event: Event) -> None:
    Message.objects.bulk_create(
        Message(event=event, channel=channel, order_key=event.order_key)
        for channel in Channel.objects.subscribed(event.code, event.task_id, event.workflow_number)
    )
