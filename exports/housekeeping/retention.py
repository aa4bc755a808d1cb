"""Which runs are too old, and why some of them are kept all the same (rule G1).

Nothing here or in `pruning` changes what a later run fetches or skips: ledger, dates and re-exports
refer to summaries, which are never deleted, and the runs that counts are compared with are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.utils.translation import gettext_lazy

from exports.models import Delivery, Message, Run, StepRun
from exports.models.runs import RunQuerySet, is_trusted
from exports.models.workflow_runs import WorkflowRun

_OVER: Final = (Run.Status.SUCCEEDED, Run.Status.FAILED, Run.Status.CANCELLED)


class KeepReason(models.TextChoices):
    """Why a run that is too old is kept."""

    UNDELIVERED = "undelivered", gettext_lazy("its file has not been delivered")
    UNTOLD = "untold", gettext_lazy("a message about it waits to be sent")
    NEWEST_FILE = "newest_file", gettext_lazy("the newest file with batches of its task")
    NEWEST_RUN = "newest_run", gettext_lazy("the last result of its task")
    NEWEST_SUCCESS = "newest_success", gettext_lazy("the last success of its task")
    COMPARED = "compared", gettext_lazy("the next run's count is compared with it")
    IN_USE = "in_use", gettext_lazy("an active run or workflow needs it")


@dataclass(frozen=True)
class Policy:
    """How long history is kept: so many days, and at most so many runs of a task."""

    keep_days: int
    keep_runs: int | None

    @classmethod
    def of_settings(cls) -> "Policy":
        return cls(settings.CWEXPORT_KEEP_DAYS, settings.CWEXPORT_KEEP_RUNS or None)

    def cutoff(self, now: datetime) -> datetime:
        return now - timedelta(days=self.keep_days)


def expired_runs(policy: Policy, now: datetime, *, most: int | None = None) -> list[int]:
    """The ids of the runs that are too old or too many, oldest first, `most` of each kind."""
    ids: set[int] = set()
    for rows in _expired(policy, now):
        ids.update(rows.values_list("pk", flat=True)[:most])
    return sorted(ids)


def _expired(policy: Policy, now: datetime) -> Iterator[RunQuerySet]:
    # By status, as the index of ended runs is by status and time.
    for status in _OVER:
        old = Run.objects.filter(status=status, finished_at__lt=policy.cutoff(now))
        yield old.order_by("finished_at")
    if policy.keep_runs:
        newer = Run.objects.filter(task=OuterRef("task"), status__in=_OVER).order_by("-id")
        last_kept = newer.values("pk")[policy.keep_runs - 1 : policy.keep_runs]
        beyond = Run.objects.filter(status__in=_OVER).annotate(last_kept=Subquery(last_kept))
        yield beyond.filter(pk__lt=F("last_kept")).order_by("id")


def with_keep_reason(runs: RunQuerySet) -> RunQuerySet:
    """The same runs with `keep_reason`; "" when nothing needs them any more."""
    reasons: dict[KeepReason, Any] = {
        KeepReason.IN_USE: _in_use(),
        KeepReason.UNDELIVERED: Exists(_of_run(Delivery.objects.undelivered())),
        KeepReason.UNTOLD: Exists(Message.objects.open().filter(event__run=OuterRef("pk"))),
        KeepReason.NEWEST_FILE: _is_newest(Q(status="succeeded", batch_count__gt=0)),
        KeepReason.NEWEST_RUN: _is_newest(Q(status__in=_OVER)),
        KeepReason.NEWEST_SUCCESS: _is_newest(Q(status="succeeded")),
        KeepReason.COMPARED: _is_compared(),
    }
    cases = (When(condition, then=Value(str(reason))) for reason, condition in reasons.items())
    return runs.annotate(
        keep_reason=Case(*cases, default=Value(""), output_field=models.CharField())
    )


def keep_reason_of(run: Run) -> KeepReason | None:
    """The reason that `with_keep_reason` has found; None when nothing needs the run any more."""
    reason: str = getattr(run, "keep_reason")  # noqa: B009 - annotated
    return KeepReason(reason) if reason else None


def _is_newest(kind: Q) -> Q:
    """Whether it is the task's newest run of this kind, with or without re-exports."""
    newer = Run.objects.filter(kind, task=OuterRef("task"), pk__gt=OuterRef("pk"))
    own_newer = newer.exclude(trigger=Run.Trigger.REEXPORT)
    is_own = ~Q(trigger=Run.Trigger.REEXPORT)
    return kind & (~Q(Exists(newer)) | (is_own & ~Q(Exists(own_newer))))


def _is_compared() -> Q:
    """Whether `baseline_of` or `is_uncounted_since` may find it (W10, W11).

    For each company a task has read: its last trusted success with a count, and the last without.
    """
    trusted = is_trusted() & Q(status="succeeded") & ~Q(trigger=Run.Trigger.REEXPORT)
    found = Q()
    for is_uncounted in (False, True):
        kind = trusted & Q(unfiltered_count__isnull=is_uncounted)
        place = {name: OuterRef(name) for name in ("task", "site", "company")}
        newer = Run.objects.filter(kind, **place, pk__gt=OuterRef("pk"))
        found |= kind & ~Q(Exists(newer))
    return found


def _in_use() -> Q:
    active = Run.objects.active()
    steps = StepRun.objects.filter(workflow_run__status__in=WorkflowRun.ACTIVE)
    return (
        Q(is_failure_open=True)
        | Q(Exists(active.filter(caused_by=OuterRef("pk"))))
        | Q(Exists(active.filter(baseline=OuterRef("pk"))))
        | Q(Exists(_of_run(steps)))
    )


def _of_run(rows: Any) -> Any:
    return rows.filter(run=OuterRef("pk"))
