"""The run page when the run is over: its result, its proof, and what to do next."""

import hashlib
import html
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.models import Delivery, Run, Task
from tests.run_files import run_file
from tests.screen_fixtures import CONTENT, OWNER, fail, start, succeed

MakeTask = Callable[..., Task]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN_AGAIN = 'class="btn btn-primary" type="submit">Run again</button>'


def page_of(client: Client, run: Run) -> str:
    page = client.get(reverse("run-detail", args=[run.pk])).content.decode()
    return " ".join(unescape(page).split())


def equation_in(page: str) -> str:
    """The equation as text: `Counted 290 = Fetched 290 …`"""
    terms = re.findall(
        r'(?:<span class="sign" aria-hidden="true">(.)</span> )?'
        r'<dt>([^<]*)</dt> <dd class="term-count">([^<]*)</dd>',
        page,
    )
    return " ".join(f"{sign} {label} {count}".strip() for sign, label, count in terms)


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without markup."""
    table = page.split(heading, 1)[1].split("</table>", 1)[0].split("<tbody>")[1]
    return [
        [re.sub("<[^>]*>", "", cell).strip() for cell in re.split("</t[hd]>", row)[:-1]]
        for row in table.split("</tr>")[:-1]
    ]


def test_failure_and_follow_up_link_each_other(signed_in: Client, make_task: MakeTask) -> None:
    failed = fail(make_task())
    after = make_task(name="Tell", output_file="tell.xml")
    led_to = after.queue_run(Run.Trigger.FAILURE, caused_by=failed)
    before, behind = (
        unescape(signed_in.get(f"/runs/{run.pk}/").content.decode()) for run in (failed, led_to)
    )

    assert f'On Failure Task was started: <a href="/runs/{led_to.pk}/">{led_to}</a>.' in before
    assert f'Started because <a href="/runs/{failed.pk}/">run {failed.pk}</a> failed' in behind


def test_a_success_shows_its_result_and_its_file(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    run = succeed(make_task(export="modified"), user, client_id="guid")
    page = page_of(signed_in, run)

    assert "284 batches exported to <code>batches.xml</code>." in page
    assert f'<code id="file-hash">{hashlib.sha256(CONTENT).hexdigest()}</code>' in page
    assert "<code>sha256sum ./batches.xml</code>" in page
    assert reverse("run-download", args=[run.pk]) in page
    assert reverse("run-file", args=[run.pk]) in page
    assert '<span class="xml-tag"><Batches' in page
    assert ">id > 0</pre>" in page
    assert "<dt>Export Modified, New or All Records</dt><dd>Modified</dd>" in page
    for frozen in (run.site, run.company, run.public_key):
        assert f"<dd>{frozen}</dd>" in page
    assert "pK-9z" not in page


def test_printed_sheet_names_user_and_time(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    page = re.sub("<[^>]*>", "", page_of(signed_in, succeed(make_task(), user)))

    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.search(f"Printed from cwexport by Admin1, as the run stood at {moment}\\.", page)


def test_check_command_cannot_be_injected(signed_in: Client, make_task: MakeTask) -> None:
    name = "a $(calc)`x` 'b\u2019; rm -rf x.xml"
    page = html.unescape(page_of(signed_in, succeed(make_task(), file_name=name)))
    found = dict(re.findall(r"<dt>([\w ]+)</dt><dd><code>([^<]*)</code>", page))
    assert shlex.split(found["Linux"]) == ["sha256sum", f"./{name}"]
    assert shlex.split(found["macOS"])[-1] == f"./{name}"
    assert found["Windows PowerShell"] == (
        "Get-FileHash -LiteralPath './a $(calc)`x` ''b\u2019\u2019; rm -rf x.xml'"
    )


def test_a_success_whose_file_is_gone_says_so(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task())
    run_file(run).unlink()
    page = page_of(signed_in, run)
    assert "is no longer in the folder of this installation. Restore it" in page
    assert "xml-tag" not in page


@pytest.mark.parametrize(
    ("fields", "equation", "verdict"),
    [
        ({"skipped_count": 0, "batch_count": 290}, "Counted 290 = Fetched 290 = Written 290", 1),
        ({}, "Counted 290 = Fetched 290 = Written 284 + Skipped 6", 1),
        (
            {"proven_count": 288},
            "Counted 288 + Meanwhile 2 = Fetched 290 = Written 284 + Skipped 6",
            1,
        ),
        ({"proven_count": None}, "Fetched 290 = Written 284 + Skipped 6", 0),
        ({"suspicion": "Few."}, "Counted 290 = Fetched 290 = Written 284 + Skipped 6", 0),
    ],
)
def test_the_proof_adds_up(
    signed_in: Client, make_task: MakeTask, fields: dict[str, Any], equation: str, verdict: int
) -> None:
    page = page_of(signed_in, succeed(make_task(), **fields))
    assert equation_in(page) == equation
    assert page.count('class="status status-passed"') == verdict


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"batch_count": 1}, "1 batch exported to"),
        ({"batch_count": 0}, "No batch matched;"),
        ({"proven_count": None}, "ConnectWise refused to count, so it is not proven"),
        ({"proven_count": 288}, "and 2 more that changed or vanished meanwhile."),
        ({"suspicion": "ConnectWise shows no batches at all."}, "shows no batches at all."),
        ({"suspicion": "ConnectWise shows none."}, "Check this before you use the file"),
        ({"repeated_count": 3}, "3 came twice and count once."),
        ({}, "Every batch that ConnectWise counts was fetched."),
        ({}, "This task had already exported what was skipped."),
    ],
)
def test_a_success_says_what_is_special_about_it(
    signed_in: Client, make_task: MakeTask, fields: dict[str, Any], sentence: str
) -> None:
    assert sentence in page_of(signed_in, succeed(make_task(), **fields))


def test_the_dates_stand_before_and_after(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task(date_created=NOON, date_modified=NOON))
    Run.objects.filter(pk=run.pk).update(date_modified_after=NOON + timedelta(hours=1))
    assert rows_of(page_of(signed_in, run), ">Dates</h2>") == [
        ["Date Created", "2026-03-01 12:00:00 UTC", "not moved"],
        ["Date Modified", "2026-03-01 12:00:00 UTC", "2026-03-01 13:00:00 UTC"],
    ]


def test_only_changes_since_last_success_show(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    same_times = {"started_at": NOON, "finished_at": NOON + timedelta(seconds=20)}
    first = succeed(task)
    fail(task)
    task.page_size, task.export = 500, "modified"
    task.save()
    second = succeed(task, batch_count=100, file_size=2_500)
    Run.objects.filter(pk__in=(first.pk, second.pk)).update(**same_times)
    page = page_of(signed_in, second)

    assert rows_of(page, f">run {first.pk}</a>, the success before</h2>") == [
        ["Export Modified, New or All Records", "All", "Modified"],
        ["Page Size", "25", "500"],
        ["Batches in the file", "284", "100"],
        ["File size", f"{len(CONTENT)} B", "2.5 kB"],
    ]


def test_unchanged_settings_are_shown_as_such(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    assert "the success before" not in page_of(signed_in, succeed(task))
    second = succeed(task)
    Run.objects.update(started_at=NOON, finished_at=NOON)
    page = page_of(signed_in, second)
    assert f"What was asked is the same as in run {second.pk - 1}." in page
    assert "What came of it is the same, too." in page

    failed = page_of(signed_in, fail(task))
    assert f"What was asked is the same as in run {second.pk}." in failed
    assert "What came of it" not in failed


def test_failure_explains_and_offers_no_file(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task(), "ConnectWise answered 403 (<b>no</b>). Check the role.")
    content = signed_in.get(reverse("run-detail", args=[run.pk])).content.decode()

    assert "ConnectWise answered 403 (&lt;b&gt;no&lt;/b&gt;). Check the role." in content
    assert "It failed. No file was written and no date moved." in content
    assert "The next run fetches the same batches again." in content
    assert RUN_AGAIN in content
    assert reverse("run-download", args=[run.pk]) not in content
    response = signed_in.get(reverse("run-download", args=[run.pk]))
    assert response.status_code == 404
    assert f"{run} has no file, because it failed." in response.content.decode()


def test_run_again_leads_without_trusted_file(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    assert RUN_AGAIN not in page_of(signed_in, succeed(task))
    assert RUN_AGAIN in page_of(signed_in, succeed(task, suspicion="ConnectWise shows none."))
    cancelled = start(task)
    cancelled.finish_cancelled(OWNER)
    page = page_of(signed_in, cancelled)
    assert RUN_AGAIN in page
    assert "It was cancelled. No file was written and no date moved." in page
    assert "Nothing is lost: the next run fetches the same batches again." in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"archived_at": NOON}, "</a> is archived. Restore it on its page, then enable it."),
        ({"enabled": False}, "Nightly batches is not enabled. <a href="),
    ],
)
def test_unrepeatable_run_says_why(
    signed_in: Client, make_task: MakeTask, change: dict[str, Any], sentence: str
) -> None:
    run = succeed(make_task())
    assert "It cannot be run again" not in page_of(signed_in, run)
    Task.objects.filter(pk=run.task_id).update(**change)
    page = page_of(signed_in, run)
    assert "It cannot be run again: " in page
    assert sentence in page
    assert "Run again</button>" not in page


def test_pages_and_retries_are_two_figures(signed_in: Client, make_task: MakeTask) -> None:
    page = page_of(signed_in, succeed(make_task(), page_count=1234, retry_count=5))
    assert "<dt>Pages</dt><dd>1,234</dd>" in page
    assert "<dt>Retries</dt><dd>5</dd>" in page


@pytest.mark.rule("O4")
def test_delivery_is_followed_to_its_end(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task())
    Delivery.objects.plan(run)
    asked = reverse("run-delivery", args=[run.pk, run.deliveries.get().pk])
    on_its_way = "batches.xml is on its way there."
    for page in (page_of(signed_in, run), signed_in.get(asked).content.decode()):
        assert f'hx-get="{asked}" hx-trigger="every 2s" hx-swap="outerHTML"' in page
        assert on_its_way in page

    row = run.deliveries.get()
    assert row.take("sender")
    assert "hx-trigger" in signed_in.get(asked).content.decode()
    row.put_off("delivery.disk_full", "No space left on device")
    assert "hx-trigger" in signed_in.get(asked).content.decode()

    assert row.take("sender")
    row.finish(Delivery.State.DELIVERED)
    for page in (page_of(signed_in, run), signed_in.get(asked).content.decode()):
        assert "hx-trigger" not in page
        assert "batches.xml was put there for other programs to pick up." in page


def test_run_without_delivery_has_none_to_follow(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task(), batch_count=0)

    assert "hx-trigger" not in page_of(signed_in, run)
    for number in (0, 1):
        address = reverse("run-delivery", args=[run.pk, number])
        assert signed_in.get(address).status_code == 404


@pytest.mark.rule("W10")
@pytest.mark.parametrize(
    ("export", "says"),
    [
        ("modified", "It is delivered like every file, as later runs skip the batches in it."),
        ("all", "It is delivered like every file; the next one replaces it."),
    ],
)
def test_suspicious_file_is_delivered_and_says_so(
    signed_in: Client, make_task: MakeTask, export: str, says: str
) -> None:
    run = succeed(make_task(export=export), suspicion="Far fewer batches than before.")
    empty = succeed(make_task(name="B", output_file="b.xml"), suspicion="None.", batch_count=0)

    assert says in page_of(signed_in, run)
    assert "It is delivered" not in page_of(signed_in, empty)
