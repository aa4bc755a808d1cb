"""What the accountant did with a file: marks on the run, in the history and by month."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.models import AuditEntry, Run, RunMark, RunSummary, Task
from tests.screen_fixtures import succeed

pytestmark = pytest.mark.rule("M1")


def mark(client: Client, run: Run, kind: str = "imported", note: str = "") -> str:
    answer = client.post(reverse("run-mark", args=[run.pk, kind]), {"note": note}, follow=True)
    return answer.content.decode()


def shown(client: Client, query: str) -> set[int]:
    rows = client.get(f"{reverse('run-list')}?{query}").context["table"].page.object_list
    return {row.record.pk for row in rows}


def test_file_is_marked_once_and_by_whom(signed_in: Client, task: Task, user: User) -> None:
    run = succeed(task)
    page = mark(signed_in, run, note="Journal 7")
    again = mark(signed_in, run, note="Journal 8")

    row = RunMark.objects.get()
    assert (row.run_id, row.kind, row.note, row.marked_by_name) == (
        run.pk,
        "imported",
        "Journal 7",
        user.username,
    )
    assert "Journal 7" in page
    assert "was marked already" in again
    assert AuditEntry.objects.get(action="run.marked").changes == {
        "mark": [None, "imported"],
        "note": [None, "Journal 7"],
    }


@pytest.mark.parametrize(
    ("note", "sentence"),
    [("Journal\0 7", "holds a NUL character"), ("x" * 201, "200 characters at most")],
)
def test_refused_note_says_what_is_wrong(
    signed_in: Client, task: Task, note: str, sentence: str
) -> None:
    assert sentence in mark(signed_in, succeed(task), note=note)
    assert not RunMark.objects.exists()


def test_mark_is_taken_back(signed_in: Client, task: Task) -> None:
    run = succeed(task)
    mark(signed_in, run)
    for _ in range(2):
        signed_in.post(reverse("run-unmark", args=[run.pk, "imported"]))

    assert not RunMark.objects.exists()
    assert AuditEntry.objects.filter(action="run.mark_removed").count() == 1
    assert "Mark as imported" in signed_in.get(f"/runs/{run.pk}/").content.decode()


def test_only_files_with_batches_are_marked(signed_in: Client, task: Task) -> None:
    empty = succeed(task, batch_count=0)

    assert "has no batches to mark" in mark(signed_in, empty)
    assert 'id="marks"' not in signed_in.get(f"/runs/{empty.pk}/").content.decode()
    assert signed_in.post(f"/runs/{empty.pk}/marks/burnt/").status_code == 404
    assert "too long" in mark(signed_in, succeed(task), note="x" * 201)
    assert not RunMark.objects.exists()


def test_history_finds_what_is_not_imported(signed_in: Client, task: Task) -> None:
    done, waiting, empty = succeed(task), succeed(task), succeed(task, batch_count=0)
    mark(signed_in, done)

    assert shown(signed_in, "mark=not_imported") == {waiting.pk}
    assert shown(signed_in, "mark=imported") == {done.pk}
    assert shown(signed_in, "mark=not_checked") == {done.pk, waiting.pk}
    assert empty.pk not in shown(signed_in, "mark=not_checked")


def test_months_sum_up_what_was_exported(signed_in: Client, task: Task) -> None:
    first, second, again = succeed(task), succeed(task), succeed(task)
    times = {
        first: datetime(2026, 1, 31, 23, 59, tzinfo=UTC),
        second: datetime(2026, 2, 1, tzinfo=UTC),
    }
    for run, moment in (times | {again: times[second]}).items():
        RunSummary.objects.filter(pk=run.pk).update(finished_at=moment, batch_count=3)
    RunSummary.objects.filter(pk=again.pk).update(reexport_of=first.pk)
    mark(signed_in, second)
    months = signed_in.get(f"{reverse('month-list')}?until=2026-02").context["months"]

    assert [
        (
            month.first_day.month,
            month.file_count,
            month.batch_count,
            month.again_count,
            month.open_count,
        )
        for month in months
    ] == [(2, 2, 3, 3, 1), (1, 1, 3, 0, 1)]


def test_months_lead_to_earlier_ones(signed_in: Client, task: Task) -> None:
    run = succeed(task)
    RunSummary.objects.filter(pk=run.pk).update(finished_at=datetime(2020, 5, 1, tzinfo=UTC))
    page = signed_in.get(f"{reverse('month-list')}?until=2021-05").content.decode()

    assert "?until=2020-05" in page
    for text in ("2026-13", "9999-12", "0001-01", "x"):
        assert signed_in.get(reverse("month-list"), {"until": text}).status_code == 200
