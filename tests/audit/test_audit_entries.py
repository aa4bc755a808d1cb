"""What an entry of the audit log holds, and that neither product nor database changes one."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from exports.acting import Actor, ActorKind, acting_as
from exports.models import (
    AppendOnlyError,
    AuditAction,
    AuditEntry,
    Task,
    record_action,
    recording_changes,
)
from exports.models.audit import years_after
from tests import audit_triggers

TABLE = AuditEntry._meta.db_table
ANNA = Actor(ActorKind.PERSON, "anna", 7, address="192.0.2.9", request_id="abc")


@pytest.fixture
def protected(db: None) -> None:
    audit_triggers.protect()


@pytest.fixture
def entry(task: Task) -> AuditEntry:
    with acting_as(ANNA):
        return record_action(AuditAction.TASK_CHANGED, task, {"page_size": [25, 100]})


def refused(sql: str, *values: Any) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except DatabaseError as error:
        return "can only grow" in str(error)
    return False


@pytest.mark.rule("L1")
def test_entry_says_who_what_where(entry: AuditEntry, task: Task) -> None:
    assert (entry.actor_kind, entry.actor_name, entry.actor_user_id) == ("person", "anna", 7)
    assert (entry.address, entry.request_id) == ("192.0.2.9", "abc")
    assert (entry.object_type, entry.object_id) == ("task", str(task.pk))
    assert entry.object_name == "Nightly batches"
    assert entry.changes == {"page_size": [25, 100]}


@pytest.mark.rule("L1")
def test_change_is_recorded_by_field(task: Task) -> None:
    with recording_changes(task):
        task.name = "Weekly batches"
        task.save()

    changes = AuditEntry.objects.newest_first()[0].changes

    assert changes == {"name": ["Nightly batches", "Weekly batches"]}


def test_saving_without_change_records_nothing(task: Task) -> None:
    with recording_changes(task):
        task.save()

    assert not AuditEntry.objects.exists()


@pytest.mark.rule("L1")
def test_failed_change_leaves_no_entry(task: Task) -> None:
    def change_and_fail() -> None:
        with recording_changes(task):
            Task.objects.filter(pk=task.pk).update(page_size=7)
            record_action(AuditAction.TASK_ARCHIVED, task)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()

    assert not AuditEntry.objects.exists()
    assert Task.objects.get().page_size == 25


def test_unknown_action_is_refused(task: Task) -> None:
    with pytest.raises(ValueError, match=r"task\.painted"):
        record_action("task.painted", task)


@pytest.mark.rule("L2")
def test_product_changes_no_entry(entry: AuditEntry) -> None:
    entry.actor_name = "somebody else"
    for change in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(actor_name="somebody else"),
        lambda: AuditEntry.objects.bulk_update([entry], ["actor_name"]),
    ):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            change()

    assert AuditEntry.objects.get().actor_name == "anna"


@pytest.mark.rule("L2")
def test_database_changes_no_entry(protected: None, entry: AuditEntry) -> None:
    assert refused(f"UPDATE {TABLE} SET actor_name = 'somebody else'")
    assert refused(f"DELETE FROM {TABLE}")
    assert refused(f"UPDATE {TABLE} SET kept_until = '2000-01-01'")
    if connection.vendor == "sqlite":
        assert refused(f"INSERT OR REPLACE INTO {TABLE} SELECT * FROM {TABLE}")
    else:
        assert refused(f"TRUNCATE {TABLE}")

    assert AuditEntry.objects.get().actor_name == "anna"


@pytest.mark.rule("L2")
def test_entry_goes_when_its_years_are_over(protected: None, entry: AuditEntry) -> None:
    old = AuditEntry(action=AuditAction.TASK_CREATED)
    old.recorded_at = timezone.now() - timedelta(days=11 * 366)
    old.kept_until = years_after(old.recorded_at.date(), 10)
    old.save()

    assert AuditEntry.objects.prune(timezone.now().date(), most=100) == 1

    assert AuditEntry.objects.get() == entry


@pytest.mark.rule("L2")
def test_shorter_setting_spares_earlier_entries(
    protected: None, entry: AuditEntry, settings: Settings
) -> None:
    settings.CWEXPORT_AUDIT_KEEP_YEARS = 1

    in_two_years = timezone.now().date() + timedelta(days=750)

    assert entry.kept_until == years_after(timezone.now().date(), 10)
    assert not AuditEntry.objects.expired(in_two_years).exists()


@pytest.mark.rule("L2")
def test_longer_setting_keeps_earlier_entries(entry: AuditEntry, settings: Settings) -> None:
    in_eleven_years = timezone.now().date() + timedelta(days=11 * 366)
    assert AuditEntry.objects.expired(in_eleven_years).exists()

    settings.CWEXPORT_AUDIT_KEEP_YEARS = 20

    assert not AuditEntry.objects.expired(in_eleven_years).exists()


def test_years_after_leap_day() -> None:
    assert years_after(date(2028, 2, 29), 1) == date(2029, 2, 28)
