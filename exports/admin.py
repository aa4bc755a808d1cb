"""The administration: for looking. What has rules is changed on its own page, which knows them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from django_tasks_db.models import DBTaskResult

from exports.models import (
    ApiToken,
    AuditEntry,
    Channel,
    Condition,
    Connection,
    DateChange,
    Delivery,
    DeliveryAttempt,
    Destination,
    DueTime,
    Event,
    EventState,
    HousekeepingRound,
    LedgerEntry,
    LoginSession,
    Message,
    OneTimeLink,
    Run,
    RunLogEntry,
    RunMark,
    RunSummary,
    RunTally,
    Schedule,
    StepRun,
    Subscription,
    Task,
    TaskDestination,
    Worker,
    Workflow,
    WorkflowRun,
    WorkflowStep,
)

# The generics exist for the type checker alone.
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline

admin.site.site_header = admin.site.site_title = gettext_lazy("cwexport administration")
admin.site.index_title = gettext_lazy("Everything that is stored")


# What libraries keep for themselves; `axes_reset` lifts a lock.
_OF_LIBRARIES = (
    AccessAttempt,
    AccessFailureLog,
    AccessLog,
    Authenticator,
    DBTaskResult,
    EmailAddress,
    SocialAccount,
    SocialApp,
    SocialToken,
)
for _model in (*_OF_LIBRARIES, Group, User):
    # This app comes first of all, but what it takes away must be there.
    import_module(f"{_model._meta.app_config.name}.admin")
admin.site.unregister([*_OF_LIBRARIES, Group, User])


class ReadOnly:
    """Nothing can be added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class NamedFilters:
    """Filters by what `list_filter` names, and by nothing else.

    The framework lets the address name any column, and what is asked often enough, letter by
    letter, is known in the end, shown or not.
    """

    list_filter: ClassVar[Any] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in {f"{name}__exact" for name in self.list_filter}


class ReadOnlyAdmin(ReadOnly, NamedFilters, ModelAdmin):
    # Counting a large table takes longer than showing a page of it.
    show_full_result_count = False
    ordering: ClassVar[tuple[str, ...]] = ("-id",)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Without the password's hash. Users are changed on their own pages, which know the rules."""

    exclude = ("password", "user_permissions")
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_superuser", "is_active")
    search_fields = ("username", "email")


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    exclude = ("permissions",)


@admin.register(LoginSession)
class LoginSessionAdmin(ReadOnlyAdmin):
    """Without what would be enough to look for a session's key."""

    exclude = ("key_hash", "content")
    list_display = ("user", "started_at", "last_seen_at", "address")
    list_select_related = ("user",)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    exclude = ("token_hash",)
    list_display = ("name", "user", "scope", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("scope",)
    list_select_related = ("user",)


@admin.register(OneTimeLink)
class OneTimeLinkAdmin(ReadOnlyAdmin):
    exclude = ("token_hash",)
    list_display = ("purpose", "person", "created_at", "expires_at", "used_at", "revoked_at")
    list_filter = ("purpose",)
    list_select_related = ("user",)


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    """Without the private key, even encrypted (rule C3)."""

    exclude = ("private_key_token",)
    list_display = ("name", "site", "company", "is_default", "last_tested_at")
    search_fields = ("name", "site", "company")


class ConditionInline(ReadOnly, TabularInline):
    model = Condition
    fields = ("position", "field", "comparison", "value", "logic_operator")
    ordering = ("position",)
    extra = 0


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    inlines = (ConditionInline,)
    list_display = ("name", "connection", "export", "output_file", "enabled", "archived_at")
    list_filter = ("export", "enabled")
    list_select_related = ("connection",)
    search_fields = ("name", "output_file")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("id", "task_name", "status", "trigger", "queued_at", "batch_count", "file_name")
    list_filter = ("status", "trigger")
    search_fields = ("task_name", "file_name", "file_sha256")


@admin.register(RunSummary)
class RunSummaryAdmin(ReadOnlyAdmin):
    list_display = ("id", "task_name", "trigger", "finished_at", "batch_count", "pruned_at")
    list_filter = ("trigger",)
    search_fields = ("task_name", "file_name", "file_sha256")


@admin.register(HousekeepingRound)
class HousekeepingRoundAdmin(ReadOnlyAdmin):
    list_display = ("id", "trigger", "day", "status", "started_at", "run_count", "file_bytes")
    list_filter = ("trigger", "status")


class WorkflowStepInline(ReadOnly, TabularInline):
    model = WorkflowStep
    fields = ("position", "task")
    ordering = ("position",)
    extra = 0


@admin.register(Workflow)
class WorkflowAdmin(ReadOnlyAdmin):
    inlines = (WorkflowStepInline,)
    list_display = ("name", "enabled", "can_resume_from_failure", "archived_at")
    list_filter = ("enabled",)
    search_fields = ("name",)


class StepRunInline(ReadOnly, TabularInline):
    model = StepRun
    fields = ("position", "task_name", "state", "run", "reason_code", "is_kept")
    ordering = ("position",)
    extra = 0


@admin.register(WorkflowRun)
class WorkflowRunAdmin(ReadOnlyAdmin):
    inlines = (StepRunInline,)
    list_display = ("id", "workflow_name", "status", "trigger", "queued_at", "finished_at")
    list_filter = ("status", "trigger")
    search_fields = ("workflow_name",)


@admin.register(RunLogEntry)
class RunLogEntryAdmin(ReadOnlyAdmin):
    list_display = ("logged_at", "run", "level", "message")
    list_filter = ("level",)
    list_select_related = ("run",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "run", "destination_name", "state", "attempt_count")
    list_filter = ("state",)
    list_select_related = ("run",)


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(ReadOnlyAdmin):
    list_display = ("delivery_id", "number", "started_at", "ended_at", "outcome", "error_code")
    list_filter = ("outcome",)


@admin.register(Destination)
class DestinationAdmin(ReadOnlyAdmin):
    """Without the secrets, even encrypted (rule C3)."""

    exclude = ("secrets_token",)
    list_display = ("name", "kind", "last_tested_at")
    list_filter = ("kind",)
    search_fields = ("name",)


@admin.register(TaskDestination)
class TaskDestinationAdmin(ReadOnlyAdmin):
    list_display = ("task", "destination", "name_template", "sends_empty")
    list_select_related = ("task", "destination")


@admin.register(DateChange)
class DateChangeAdmin(ReadOnlyAdmin):
    list_display = ("changed_at", "task", "field", "origin", "date_before", "date_after", "run")
    list_filter = ("field", "origin")
    list_select_related = ("task", "run")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("batch_id", "last_updated", "run", "task")
    list_select_related = ("run", "task")
    search_fields = ("=batch_id",)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("name", "process_id", "started_at", "seen_at")


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    list_display = ("cron", "zone", "task", "workflow", "is_paused", "next_due_at")
    list_filter = ("is_paused", "catch_up")
    list_select_related = ("task", "workflow")


@admin.register(DueTime)
class DueTimeAdmin(ReadOnlyAdmin):
    list_display = ("due_at", "schedule", "state", "run", "workflow_run")
    list_filter = ("state",)
    list_select_related = ("schedule", "run", "workflow_run")


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    """Without settings and secrets: the address of a webhook may be all that protects it."""

    exclude = ("settings", "secrets_token")
    list_display = ("name", "kind", "is_enabled", "failing_since")
    list_filter = ("kind", "is_enabled")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("channel", "code")
    list_filter = ("code",)
    list_select_related = ("channel",)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "code", "subject_name", "run")
    list_filter = ("code",)
    list_select_related = ("run",)


@admin.register(EventState)
class EventStateAdmin(ReadOnlyAdmin):
    list_display = ("subject", "state", "since", "count")
    list_filter = ("state",)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "event", "channel", "state", "attempt_count", "next_try_at")
    list_filter = ("state",)
    list_select_related = ("event", "channel")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("recorded_at", "actor_name", "action", "object_type", "object_name")
    list_filter = ("actor_kind",)


@admin.register(RunMark)
class RunMarkAdmin(ReadOnlyAdmin):
    list_display = ("run", "kind", "marked_by_name", "marked_at", "note")
    list_filter = ("kind",)
    list_select_related = ("run",)


@admin.register(RunTally)
class RunTallyAdmin(ReadOnlyAdmin):
    list_display = ("task", "result", "run_count", "batch_count", "last_at")
    list_filter = ("result",)
    list_select_related = ("task",)
