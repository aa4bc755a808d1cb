"""Tasks: saved exports that can be run again."""

import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import clock
from exports.connectwise.batch_fields import FIELD_TYPES
from exports.connectwise.filter.conditions import Condition as TypedCondition
from exports.connectwise.filter.conditions import render
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.audited import AuditedModel, recording_changes
from exports.models.conditions import Condition
from exports.models.dates import DateChange
from exports.models.destinations import Destination, TaskDestination
from exports.models.edits import EditedModel
from exports.models.errors import (
    DatesHeldError,
    RestoredError,
    RunActiveError,
    TaskUnusableError,
)
from exports.models.frozen_runs import frozen_reexport, frozen_run
from exports.models.installations import Installation
from exports.models.name_keys import name_key
from exports.models.reports import Reported
from exports.models.runs import Run, RunSummary
from exports.models.sync_window import is_elsewhere
from exports.models.tags import MAX_TEXT, tags_in

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
MAX_HOURS = 24 * 366
HOURS_LIMITS = (MinValueValidator(1), MaxValueValidator(MAX_HOURS))
PAGE_SIZE_LIMITS = (MinValueValidator(1), MaxValueValidator(1000))


def circle_from(start: Hashable, following: Mapping[Any, Any]) -> list[Any]:
    """The chain of On Failure Tasks from a task back to itself; [] when there is none (R6)."""
    way, last = {start: None}, start  # a dict is a set in order
    while (last := following.get(last)) is not None:
        if last == start:
            return [*way, start]
        if last in way:
            return []
        way[last] = None
    return []


class Task(AuditedModel, Reported, EditedModel):
    """An export of accounting batches; fields are named as in the product's specification."""

    class Export(models.TextChoices):
        MODIFIED = "modified", gettext_lazy("Modified")
        NEW = "new", gettext_lazy("New")
        ALL = "all", gettext_lazy("All")

    TYPE = "Exporting Batches from ConnectWise REST Interface"

    unique_id = models.UUIDField(
        gettext_lazy("Unique ID"), default=uuid.uuid4, unique=True, editable=False
    )
    name = models.CharField(gettext_lazy("Task Name"), max_length=100, unique=True)
    connection = models.ForeignKey(
        "exports.Connection",
        models.PROTECT,
        related_name="tasks",
        verbose_name=gettext_lazy("Connection"),
    )
    # As `exports.models.tags` joins them.
    tags = models.CharField(
        gettext_lazy("Tags"), max_length=MAX_TEXT, blank=True, default="", db_default=""
    )
    export = models.CharField(
        gettext_lazy("Export Modified, New or All Records"),
        max_length=10,
        choices=Export.choices,
        default=Export.MODIFIED,
    )
    date_created = models.DateTimeField(gettext_lazy("Date Created"), default=EARLIEST)
    date_modified = models.DateTimeField(gettext_lazy("Date Modified"), default=EARLIEST)
    page_size = models.PositiveSmallIntegerField(
        gettext_lazy("Page Size"), default=100, validators=PAGE_SIZE_LIMITS
    )
    output_file = models.CharField(gettext_lazy("Output File"), max_length=200)
    # The name compared for uniqueness, by `name_key`; one letter can become three.
    output_file_key = models.CharField(max_length=650, editable=False)
    references_to_fetch_page_size = models.PositiveSmallIntegerField(
        gettext_lazy("References To Fetch Page Size"), default=100, validators=PAGE_SIZE_LIMITS
    )
    include_extra_fields = models.BooleanField(
        gettext_lazy("Include extra API fields"), default=False
    )
    enabled = models.BooleanField(gettext_lazy("Enabled"), default=True)
    can_resume_from_failure = models.BooleanField(
        gettext_lazy("Can Resume From Failure"), default=True
    )
    on_failure_task = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=gettext_lazy("On Failure Task"),
    )
    break_on_failure = models.BooleanField(gettext_lazy("Break on Failure"), default=True)
    # Tell somebody when there was no success for so long, schedule or not; blank for never.
    success_within_hours = models.PositiveIntegerField(
        gettext_lazy("Tell me without a success for (hours)"),
        null=True,
        blank=True,
        validators=HOURS_LIMITS,
    )
    # Since when, while that is so; an alarm has been given.
    overdue_since = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["output_file_key"],
                condition=Q(archived_at=None),
                name="output_file_is_unique",
            ),
            models.CheckConstraint(
                condition=Q(page_size__range=(1, 1000))
                & Q(references_to_fetch_page_size__range=(1, 1000)),
                name="page_sizes_within_limits",
            ),
            models.CheckConstraint(
                condition=Q(success_within_hours=None)
                | Q(success_within_hours__range=(1, MAX_HOURS)),
                name="hours_without_success_within_limits",
            ),
            models.CheckConstraint(
                condition=Q(export__in=["modified", "new", "all"]), name="export_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(on_failure_task=models.F("id")), name="on_failure_task_is_another"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def tag_names(self) -> list[str]:
        return tags_in(self.tags)

    def save(self, **options: Any) -> None:
        self.output_file_key = name_key(self.output_file)
        is_new = self._state.adding
        with transaction.atomic():
            super().save(**options)
            if is_new:
                # The export folder is the default of every task (rule D2).
                folder = Destination.objects.export_folder()
                TaskDestination.objects.create(task=self, destination=folder)

    def saved_conditions(self) -> tuple[TypedCondition, ...]:
        """The conditions in order, as `exports.connectwise` takes them."""
        return tuple(row.as_typed() for row in self.conditions.order_by("position"))

    def rendered_conditions(self) -> str:
        """The user's part of the filter, as it is sent. Raises ConditionError."""
        return render(self.saved_conditions(), FIELD_TYPES)

    def audited_values(self) -> dict[str, Any]:
        uses = self.task_destinations.select_related("destination").order_by("destination__name")
        return {
            **super().audited_values(),
            "connection": self.connection,
            "on_failure_task": self.on_failure_task,
            "report_channel": self.report_channel,
            "conditions": list(self.conditions.order_by("position")),
            "destinations": [f"{use.destination} {use.name_template}".strip() for use in uses],
            "destinations_of_empty_files": [use.destination for use in uses if use.sends_empty],
        }

    def replace_conditions(self, typed: Iterable[TypedCondition]) -> None:
        """Replace the stored conditions by these, in this order."""
        with transaction.atomic():
            self.conditions.all().delete()
            Condition.objects.bulk_create(
                Condition(
                    task=self,
                    position=position,
                    # No field name has blanks around it: they are typing mistakes.
                    field=row.field.strip(" "),
                    comparison=row.comparison,
                    value=row.value,
                    logic_operator=row.logic_operator,
                )
                for position, row in enumerate(typed)
            )

    def record_typed_dates(self, before: "Task | None", user: Any, reason: str = "") -> None:
        """Add a history row for each date that differs from `before` (rule W8).

        A new task (`before` is None) gets a row for both.
        """
        for field in DateChange.DateField.values:
            old, new = getattr(before, field, None), getattr(self, field)
            if old != new:
                DateChange.objects.create(
                    task=self,
                    field=field,
                    origin=DateChange.Origin.TYPED,
                    date_before=old,
                    date_after=new,
                    changed_by=user,
                    reason=reason,
                )

    def destination_names(self) -> list[str]:
        """Where its files go, by name."""
        uses = self.task_destinations.order_by("destination__name")
        return list(uses.values_list("destination__name", flat=True))

    def names_of_workflows(self) -> list[str]:
        """The workflows that have it as a step, by name."""
        steps = self.workflow_steps.filter(workflow__archived_at=None)
        names = steps.order_by("workflow__name").values_list("workflow__name", flat=True)
        return list(dict.fromkeys(names))

    def active_run(self) -> Run | None:
        return self.runs.active().newest_first().first()

    def queue_run(
        self,
        trigger: str,
        user: Any = None,
        *,
        caused_by: Run | None = None,
        is_despite_restore: bool = False,
    ) -> Run:
        """Queue a run of the task as it is now; `caused_by` is the failed run before it (R6).

        Raises TaskUnusableError for a disabled or archived task, RunActiveError when one is
        queued or running already, ConditionError for conditions no longer valid. After a restore
        that nobody has confirmed, raises RestoredError unless a person asked for it all the same.
        """
        held = Installation.objects.held()
        if held is not None and held.restored_from is not None and not is_despite_restore:
            raise RestoredError(held.restored_from)
        with transaction.atomic():
            run = self._queue(lambda task: frozen_run(task, trigger, user, caused_by))
            if trigger not in Run.Trigger.automatic():
                record_action(AuditAction.RUN_QUEUED, run)
        return run

    def queue_reexport(
        self,
        user: Any = None,
        *,
        of_run: Run | RunSummary | None = None,
        batch_ids: Iterable[int] = (),
    ) -> Run:
        """Queue a re-export of the batches of `of_run` or of `batch_ids`, as they are now (R7).

        No date moves. Raises TaskUnusableError, RunActiveError, ConditionError as `queue_run`.
        """
        with transaction.atomic():
            run = self._queue(lambda task: frozen_reexport(task, user, of_run, batch_ids))
            wanted = {"of_run": [None, run.reexport_of_id], "batches": [None, run.reexport_ids]}
            record_action(AuditAction.RUN_REEXPORTED, run, wanted)
        return run

    def undo_date(self, field: str, user: Any) -> DateChange:
        """Undo the newest change of a date and restore its former origin (W8).

        Raises TaskUnusableError while a run is active, or when there is nothing to undo.
        """
        with recording_changes(self, action=AuditAction.DATE_UNDONE):
            # An active run may move the date.
            self.check_dates_are_free()
            changes = list(DateChange.objects.in_force(self.pk, field)[:2])
            if len(changes) < 2:
                raise TaskUnusableError(
                    _("This date has not been changed since the task was made.")
                )
            changes[0].undone_at, changes[0].undone_by = clock.now(), user
            changes[0].save(update_fields=["undone_at", "undone_by"])
            setattr(self, field, changes[1].date_after)
            self.save(update_fields=[field])
        return changes[0]

    def start_from_now(self, field: str, user: Any) -> None:
        """Keep the date after changed conditions, so that the next run does not restart (W9).

        Unlike after a typed date, exported batches are skipped. Modified still reaches back by the
        overlap; New goes on above the highest id of the run that moved the date. In another company
        neither ids nor ledger mean anything: there the date is taken as if it was typed.
        Raises TaskUnusableError while a run is active, ConditionError.
        """
        with transaction.atomic():
            self.check_dates_are_free()
            moment = getattr(self, field)
            newest = DateChange.objects.in_force(self.pk, field).first()
            DateChange.objects.create(
                task=self,
                field=field,
                origin=DateChange.Origin.FROM_NOW,
                date_before=moment,
                date_after=moment,
                run=newest.run if newest and not is_elsewhere(newest.run, self) else None,
                conditions=self.rendered_conditions(),
                changed_by=user,
                reason=_("Only from now on, after changed conditions"),
            )
            record_action(AuditAction.STARTED_FROM_NOW, self, {field: [None, moment]})

    def check_dates_are_free(self) -> None:
        """Raises TaskUnusableError while a run is active, as it may move the dates (W8)."""
        active = self.active_run()
        if active is not None:
            raise DatesHeldError(active)

    def archive(self) -> None:
        """Hide the task; its runs, files and ledger stay (rule R7)."""
        with recording_changes(self, action=AuditAction.TASK_ARCHIVED, always=True):
            self.archived_at, self.enabled = clock.now(), False
            self.save(update_fields=["archived_at", "enabled"])

    def restore(self) -> None:
        """Bring it back, not enabled yet. Raises IntegrityError if its file's name is taken."""
        with recording_changes(self, action=AuditAction.TASK_RESTORED, always=True):
            self.archived_at = None
            self.save(update_fields=["archived_at", "output_file_key"])

    def remove(self) -> None:
        """Delete one that has never run."""
        with recording_changes(self):
            self.delete()

    def _queue(self, freeze: Callable[["Task"], Run]) -> Run:
        """Queue the run that `freeze` makes of the current task, unless it has an active run."""
        with transaction.atomic():
            # Saving a typed date takes the same lock, so the date cannot change between freezing
            # and queueing the run (W8).
            task = Task.objects.select_for_update(no_key=True).get(pk=self.pk)
            if task.archived_at is not None:
                message = _("%(task)s is archived. Restore it to run it again.")
                raise TaskUnusableError(message % {"task": task})
            if not task.enabled:
                message = _("%(task)s is disabled. Enable it on its form to run it.")
                raise TaskUnusableError(message % {"task": task})
            for is_last in (False, True):
                run = freeze(task)
                try:
                    with transaction.atomic():
                        run.save(force_insert=True)
                    break
                except IntegrityError:
                    active = task.active_run()
                    if active is not None:
                        raise RunActiveError(active) from None
                    if is_last:
                        raise
                    # The run that prevented it has just ended: try again.
        return run
