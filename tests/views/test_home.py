"""Home."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, Run, Task, Worker
from tests.screen_fixtures import T0, fail, move_date, start, succeed

LIVE = reverse("home-live")
MakeTask = Callable[..., Task]


def home(client: Client) -> str:
    return unescape(client.get(reverse("home")).content.decode())


def steps(page: str) -> list[str]:
    """The three steps of an empty home page, each from its tag to the next."""
    listed = page[page.index("<ol>") : page.index("</ol>")]
    return listed.split('<li class="first-step')[1:]


def test_new_installation_shows_three_steps(
    signed_in: Client,
) -> None:
    first, second, third = steps(home(signed_in))
    assert first.startswith(' is-next" aria-current="step"')
    assert f'class="btn btn-primary" href="{reverse("connection-create")}"' in first
    assert "btn-primary" not in second + third


def test_connection_makes_task_next_step(signed_in: Client, connection: Connection) -> None:
    first, second, third = steps(home(signed_in))
    assert first.startswith(' is-done"')
    assert "(done)" in first
    assert second.startswith(' is-next" aria-current="step"')
    assert f'class="btn btn-primary" href="{reverse("task-create")}"' in second
    assert "btn-primary" not in first + third


def test_task_makes_run_next_step(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    first, second, third = steps(home(signed_in))
    assert first.startswith(' is-done"')
    assert second.startswith(' is-done"')
    assert third.startswith(' is-next" aria-current="step"')
    assert f'action="/tasks/{task.pk}/run/"' in third
    succeed(task)
    assert "first-step" not in home(signed_in)


def test_what_needs_attention_comes_first(signed_in: Client, make_task: MakeTask) -> None:
    good = make_task(name="Good", output_file="1.xml")
    succeed(good)
    failed = fail(make_task(name="Broken", output_file="2.xml"), "ConnectWise answered 401.")
    odd = succeed(make_task(name="Odd", output_file="3.xml"), suspicion="No batches at all.")
    running = start(make_task(name="Busy", output_file="4.xml"))
    page = home(signed_in)

    attention = page[page.index("Needs attention") : page.index('id="tasks"')]
    for run in (failed, odd, running):
        assert f'href="/runs/{run.pk}/">{run}</a>' in attention
    assert "ConnectWise answered 401." in attention
    assert "No batches at all." in attention
    assert "Good" not in attention


def test_many_failures_are_shown_in_few_lines(signed_in: Client, make_task: MakeTask) -> None:
    for number in range(10):
        fail(make_task(name=f"Task {number}", output_file=f"{number}.xml"))
    page = home(signed_in)
    attention = page[page.index('id="home-attention"') : page.index('id="tasks"')]
    assert attention.count("<li>") == 5
    assert 'href="/tasks/?state=failed"' in attention


def test_more_tasks_are_on_further_pages(signed_in: Client, make_task: MakeTask) -> None:
    for number in range(31):
        make_task(name=f"Task {number:02}", output_file=f"{number}.xml")
    run = fail(Task.objects.get(name="Task 30"))
    page = home(signed_in)

    assert "Page 1 of 4, 31 in all" in page
    assert page.count('<tr id="task-') == 10
    # What needs attention is shown whether or not its row is.
    assert str(run) in page[: page.index('id="tasks"')]


def test_recovered_failure_needs_no_attention(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    fail(task)
    succeed(task)
    assert "Needs attention" not in home(signed_in)


def test_each_task_shows_result_and_file(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    written = succeed(task, batch_count=12_345)
    failed = fail(task)
    page = home(signed_in)

    assert f'href="/runs/{failed.pk}/"><span class="status status-failed">' in page
    assert f'href="/runs/{written.pk}/download/"' in page
    assert f'action="/tasks/{task.pk}/run/"' in page
    succeed(task, batch_count=12_345)
    assert ">12,345 batches<" in home(signed_in)


def test_the_latest_file_is_the_newest_with_batches(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    assert "Download latest" not in home(signed_in)
    without = succeed(task, batch_count=0)
    assert "Download latest" not in home(signed_in)
    written = succeed(task, batch_count=3)
    also_without = succeed(task, batch_count=0)
    page = home(signed_in)

    assert f'href="/runs/{written.pk}/download/"' in page
    for run in (without, also_without):
        assert f'href="/runs/{run.pk}/download/"' not in page


def test_waiting_run_without_worker_is_shown(signed_in: Client, make_task: MakeTask) -> None:
    make_task().queue_run(Run.Trigger.MANUAL)
    assert "no worker is alive" in home(signed_in)

    Worker.objects.see("worker-1", 1)
    assert "no worker is alive" not in home(signed_in)


def test_archived_tasks_are_not_shown_among_the_others(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task(name="Long gone")
    fail(task)
    task.archive()
    assert "Long gone" not in home(signed_in)


def test_queries_do_not_grow_with_tasks(
    signed_in: Client, make_task: MakeTask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(15):
        task = make_task(name=f"Task {number}", output_file=f"{number}.xml")
        task.replace_conditions([Condition("id", "GreaterThan", "1")])
        run = succeed(task)
        move_date(task, run, "date_modified", T0)
        fail(task)
        task.queue_run(Run.Trigger.MANUAL)
    with django_assert_max_num_queries(13):
        home(signed_in)


def test_same_name_tasks_differ_by_conditions(signed_in: Client, make_task: MakeTask) -> None:
    low, high, _every = (make_task(name=name, output_file=f"{name}.xml") for name in "abc")
    low.replace_conditions([Condition("id", "LessThan", "1000")])
    high.replace_conditions([Condition("batchIdentifier", "Equal", f'"<b>{"9" * 200}"')])
    page = signed_in.get(reverse("home")).content.decode()

    lines = re.findall(r'<span class="task-line muted"[^>]*>(batches [^<]*)<', page)
    assert lines[0] == "batches where id is less than 1000"
    assert lines[1].startswith("batches where batchIdentifier is &quot;&lt;b&gt;999")
    assert lines[1].endswith("…")
    assert len(lines) == 2


def test_task_shows_last_twenty_runs(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    for _ in range(20):
        succeed(task, batch_count=7)
    newest = fail(task)
    chart = home(signed_in).partition('class="spark"')[2].partition("</svg>")[0]
    assert 'aria-label="20 runs: 19 Succeeded, 1 Failed."' in chart
    titles = re.findall("<title>(.*?)</title>", chart)
    assert len(titles) == 20
    assert titles[-1].startswith(f"Run {newest.pk} · ")
    assert titles[-1].endswith(" · Failed")
    assert titles[-2].endswith(" · Succeeded · Batches: 7")


def fetched_next(client: Client) -> str:
    """The text under *Next run fetches* of the only task."""
    cell = home(client).partition('<td class="next-run"')[2].partition("</td>")[0]
    return " ".join(re.sub("<[^>]*>", " ", cell.partition(">")[2]).split())


def test_it_says_what_the_next_run_fetches(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="modified")
    assert fetched_next(signed_in) == "Every batch so far"

    run = succeed(task)
    move_date(task, run, "date_modified", T0)
    # As the task's page says it: the overlap before the date that a run set.
    assert fetched_next(signed_in) == "Updated after 2026-03-01 11:45:00 UTC"
    page = signed_in.get(reverse("task-detail", args=[task.pk])).content.decode()
    assert ">2026-03-01 11:45:00 UTC</time>" in page

    Task.objects.update(export="new", date_created=T0)
    assert fetched_next(signed_in) == "Created after 2026-03-01 12:00:00 UTC"
    Task.objects.update(export="all")
    assert fetched_next(signed_in) == "Every batch"
    Task.objects.update(enabled=False)
    assert fetched_next(signed_in) == "Nothing: it is not enabled"


def test_changed_conditions_promise_nothing_unproven(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task(export="modified")
    move_date(task, succeed(task), "date_modified", T0)
    task.replace_conditions([Condition("id", "GreaterThan", "1")])
    sentence = "Its conditions or company changed: see from where it starts"
    assert fetched_next(signed_in) == sentence


@pytest.mark.rule("W9")
@pytest.mark.parametrize("export", ["modified", "new", "all"])
def test_home_and_task_agree_on_restart(
    signed_in: Client, make_task: MakeTask, export: str
) -> None:
    task = make_task(export=export)
    run = succeed(task, highest_id=284)
    for field in ("date_created", "date_modified"):
        move_date(task, run, field, T0)
    restarts = {"moved": restarts_on_pages(signed_in, task)}
    task.replace_conditions([Condition("id", "GreaterThan", "1")])
    restarts["conditions"] = restarts_on_pages(signed_in, task)
    signed_in.post(reverse("task-from-now", args=[task.pk]))
    restarts["from now on"] = restarts_on_pages(signed_in, task)
    Connection.objects.update(company="globex")
    restarts["company"] = restarts_on_pages(signed_in, task)

    does_restart = export != "all"
    assert restarts == {
        "moved": (False, False),
        "conditions": (does_restart, does_restart),
        "from now on": (False, False),
        "company": (does_restart, does_restart),
    }


def restarts_on_pages(client: Client, task: Task) -> tuple[bool, bool]:
    """Whether Home, and whether the task's page, says that the next run starts over."""
    page = client.get(reverse("task-detail", args=[task.pk])).content.decode()
    return "see from where it starts" in fetched_next(client), "starts again at" in page


def test_only_active_run_makes_page_poll(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    succeed(task)
    assert "every 2s" not in home(signed_in)
    start(task)
    assert f'hx-get="{LIVE}?task={task.pk}" hx-trigger="every 2s"' in home(signed_in)


def test_ended_run_stays_and_polling_stops(signed_in: Client, make_task: MakeTask) -> None:
    busy, other = make_task(), make_task(name="Other", output_file="other.xml")
    succeed(other)
    run = start(busy)
    watched = {"task": [busy.pk]}
    going = unescape(signed_in.get(LIVE, watched).content.decode())
    assert "hx-get" in going
    assert "status-running" in going

    run.fail("worker-1", "ConnectWise answered 401.")
    over = unescape(signed_in.get(LIVE, watched).content.decode())
    assert "hx-get" not in over
    assert f'<tr id="task-{busy.pk}" hx-swap-oob="true">' in over
    assert f'id="task-{other.pk}"' not in over
    attention = over.partition('id="home-attention"')[2].partition("</section>")[0]
    assert attention.count("<li>") == 1
    assert "ConnectWise answered 401." in attention


def test_nonsense_that_is_watched_renews_nothing(signed_in: Client, make_task: MakeTask) -> None:
    make_task()
    answer = signed_in.get(LIVE, {"task": ["x", "-1", "9" * 30, "²", ""]})
    assert answer.status_code == 200
    assert b"<tr" not in answer.content


def test_times_are_relative_with_exact_title(signed_in: Client, make_task: MakeTask) -> None:
    run = succeed(make_task())
    moment = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    Run.objects.filter(pk=run.pk).update(finished_at=moment)
    with time_machine.travel(moment + timedelta(hours=3), tick=False):
        assert 'title="2020-02-03 04:05:06 UTC">3 hours ago' in home(signed_in)


def test_a_stranger_is_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get("/").headers["Location"] == "/login/?next=/"
