"""The administration: for looking. What has rules is changed on its own page, which knows them."""

from typing import TYPE_CHECKING, Any, ClassVar

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from django_tasks_db.models import DBTaskResult

from exports.models import (
    Condition,
    Connection,
    DateChange,
    Delivery,
    LedgerEntry,
    Run,
    RunLogEntry,
    Task,
    Worker,
)

# The generics exist for the type checker alone.
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    FrameworkUserAdmin = auth_admin.UserAdmin[User]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline
    FrameworkUserAdmin = auth_admin.UserAdmin

admin.site.site_header = admin.site.site_title = gettext_lazy("cwexport administration")
admin.site.index_title = gettext_lazy("Everything that is stored")


# What libraries keep for themselves; `axes_reset` lifts a lock.
_OF_LIBRARIES = (AccessAttempt, AccessFailureLog, AccessLog, DBTaskResult)
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
class UserAdmin(NamedFilters, FrameworkUserAdmin):
    """Users are deactivated, not deleted: history and proofs name who did what."""

    list_filter = ("is_staff", "is_superuser", "is_active")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Group)
class GroupAdmin(NamedFilters, auth_admin.GroupAdmin):
    pass


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


@admin.register(RunLogEntry)
class RunLogEntryAdmin(ReadOnlyAdmin):
    list_display = ("logged_at", "run", "level", "message")
    list_filter = ("level",)
    list_select_related = ("run",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "run", "destination", "state", "attempt_count")
    list_filter = ("destination", "state")
    list_select_related = ("run",)


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
