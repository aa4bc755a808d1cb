"""Tasks: saved exports that can be run again."""

import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.connectwise.batches import FIELD_TYPES
from exports.connectwise.filter.conditions import Condition as TypedCondition
from exports.connectwise.filter.conditions import render
from exports.models.codes import Activity
from exports.models.conditions import Condition
from exports.models.dates import DateChange
from exports.models.edits import EditedModel
from exports.models.errors import DatesHeldError, RunActiveError, TaskUnusableError
from exports.models.name_keys import name_key
from exports.models.runs import Run
from exports.models.sync_window import next_window, reexport_reason

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
PAGE_SIZE_LIMITS = (MinValueValidator(1), MaxValueValidator(1000))


def circle_from(start: Hashable, following: Mapping[Any, Any]) -> list[Any]:
    """The chain of On Failure Tasks from a task back to itself; [] when there is none (R6)."""
    way = [start]
    while (after := following.get(way[-1])) is not None:
        if after == start:
            return [*way, start]
        if after in way:
            return []
        way.append(after)
    return []


class Task(EditedModel):
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
    created_at = models.DateTimeField(default=timezone.now, editable=False)
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
                condition=Q(export__in=["modified", "new", "all"]), name="export_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(on_failure_task=models.F("id")), name="on_failure_task_is_another"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        self.output_file_key = name_key(self.output_file)
        super().save(**options)

    def saved_conditions(self) -> tuple[TypedCondition, ...]:
        """The conditions in order, as `exports.connectwise` takes them."""
        return tuple(row.as_typed() for row in self.conditions.order_by("position"))

    def rendered_conditions(self) -> str:
        """The user's part of the filter, as it is sent. Raises ConditionError."""
        return render(self.saved_conditions(), FIELD_TYPES)

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

    def active_run(self) -> Run | None:
        return self.runs.active().newest_first().first()

    def queue_run(self, trigger: str, user: Any = None, *, caused_by: Run | None = None) -> Run:
        """Queue a run of the task as it is now; `caused_by` is the failed run before it (R6).

        Raises TaskUnusableError for a disabled or archived task, RunActiveError when one is
        queued or running already, ConditionError for conditions no longer valid.
        """
        return self._queue(lambda task: task._frozen_run(trigger, user, caused_by))

    def queue_reexport(
        self, user: Any = None, *, of_run: Run | None = None, batch_ids: Iterable[int] = ()
    ) -> Run:
        """Queue a re-export of the batches of `of_run` or of `batch_ids`, as they are now (R7).

        No date moves. Raises TaskUnusableError, RunActiveError, ConditionError as `queue_run`.
        """
        return self._queue(lambda task: task._frozen_reexport(user, of_run, batch_ids))

    def undo_date(self, field: str, user: Any) -> DateChange:
        """Undo the newest change of a date and restore its former origin (W8).

        Raises TaskUnusableError while a run is active, or when there is nothing to undo.
        """
        with transaction.atomic():
            # An active run may move the date.
            self.check_dates_are_free()
            changes = list(DateChange.objects.in_force(self.pk, field)[:2])
            if len(changes) < 2:
                raise TaskUnusableError(
                    _("This date has not been changed since the task was made.")
                )
            changes[0].undone_at, changes[0].undone_by = timezone.now(), user
            changes[0].save(update_fields=["undone_at", "undone_by"])
            setattr(self, field, changes[1].date_after)
            self.save(update_fields=[field])
        return changes[0]

    def start_from_now(self, field: str, user: Any) -> None:
        """Keep the date after changed conditions, so that the next run does not restart (W9).

        Unlike after a typed date, exported batches are skipped. Modified still reaches back by the
        overlap; New goes on above the highest id of the run that moved the date.
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
                run=newest.run if newest else None,
                conditions=self.rendered_conditions(),
                changed_by=user,
                reason=_("Only from now on, after changed conditions"),
            )

    def check_dates_are_free(self) -> None:
        """Raises TaskUnusableError while a run is active, as it may move the dates (W8)."""
        active = self.active_run()
        if active is not None:
            raise DatesHeldError(active)

    def archive(self) -> None:
        """Hide the task; its runs, files and ledger stay (rule R7)."""
        self.archived_at, self.enabled = timezone.now(), False
        self.save(update_fields=["archived_at", "enabled"])

    def _queue(self, freeze: Callable[["Task"], Run]) -> Run:
        """Queue the run that `freeze` makes of the current task, unless it has an active run."""
        with transaction.atomic():
            # Saving a typed date takes the same lock, so the date cannot change between freezing
            # and queueing the run (W8).
            task = Task.objects.select_for_update().get(pk=self.pk)
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

    def _frozen_run(self, trigger: str, user: Any, caused_by: Run | None = None) -> Run:
        sent = self.rendered_conditions()
        window = next_window(self, sent, timezone.now())
        connection = self.connection
        return Run(
            task=self,
            task_name=self.name,
            connection=connection,
            trigger=trigger,
            requested_by=user,
            caused_by=caused_by,
            site=connection.site,
            company=connection.company,
            public_key=connection.public_key,
            client_id=connection.effective_client_id(),
            conditions=sent,
            export=self.export,
            date_created_before=self.date_created,
            date_modified_before=self.date_modified,
            page_size=self.page_size,
            output_file=self.output_file,
            include_extra_fields=self.include_extra_fields,
            parallel_requests=connection.parallel_requests,
            can_resume=self.can_resume_from_failure,
            modified_after=window.modified_after,
            created_after=window.created_after,
            start_id=window.start_id,
            skips_known=window.skips_known,
            known_from_run=window.known_from_run,
            window_reason=window.reason,
            activity=Activity.WAITING_FOR_WORKER,
        )

    def _frozen_reexport(self, user: Any, of_run: Run | None, batch_ids: Iterable[int]) -> Run:
        run = self._frozen_run(Run.Trigger.REEXPORT, user)
        if of_run is not None and (of_run.site, of_run.company) != (run.site, run.company):
            raise TaskUnusableError(
                _(
                    "%(run)s exported from %(company)s at %(site)s, not from what the task's "
                    "connection reads now, where the same ids are other batches. Choose a "
                    "connection to the former company on the task."
                )
                % {"run": of_run, "company": of_run.company, "site": of_run.site}
            )
        run.conditions, run.export, run.skips_known = "", self.Export.ALL, False
        run.modified_after = run.created_after = run.start_id = run.known_from_run = None
        run.reexport_of, run.reexport_ids = of_run, sorted(set(batch_ids))
        run.window_reason = reexport_reason(of_run, len(run.reexport_ids))
        return run
