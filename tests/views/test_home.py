"""The first page."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.models import Connection, Run, Task, Worker
from tests.views.conftest import fail, start, succeed

MakeTask = Callable[..., Task]


def home(client: Client) -> str:
    return unescape(client.get(reverse("home")).content.decode())


def test_a_new_installation_shows_three_steps_and_the_first_is_a_button(
    signed_in: Client,
) -> None:
    page = home(signed_in)
    steps = page[page.index("<ol>") : page.index("</ol>")]
    assert steps.count("<li>") == 3
    first = steps[: steps.index("</li>")]
    assert f'class="btn btn-primary" href="{reverse("connection-create")}"' in first
    assert steps.count("btn-primary") == 1


def test_with_a_connection_the_next_step_is_a_task(
    signed_in: Client, connection: Connection
) -> None:
    assert "Create the first task" in home(signed_in)


def test_what_needs_attention_comes_first(signed_in: Client, make_task: MakeTask) -> None:
    good = make_task(name="Good", output_file="1.xml")
    succeed(good)
    failed = fail(make_task(name="Broken", output_file="2.xml"), "ConnectWise answered 401.")
    odd = succeed(make_task(name="Odd", output_file="3.xml"), suspicion="No batches at all.")
    running = start(make_task(name="Busy", output_file="4.xml"))
    page = home(signed_in)

    attention = page[page.index("Needs attention") : page.index('id="tasks"')]
    for run in (failed, odd, running):
        assert f'<a href="/runs/{run.pk}/">{run}</a>' in attention
    assert "ConnectWise answered 401." in attention
    assert "No batches at all." in attention
    assert "Good" not in attention


def test_a_failure_that_was_made_good_needs_no_attention(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task()
    fail(task)
    succeed(task)
    assert "Needs attention" not in home(signed_in)


def test_each_task_has_its_last_result_and_its_latest_file(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task()
    written = succeed(task, batch_count=12_345)
    failed = fail(task)
    page = home(signed_in)

    assert f'href="/runs/{failed.pk}/"><span class="status status-failed">' in page
    assert f'href="/runs/{written.pk}/download/"' in page
    assert f'action="/tasks/{task.pk}/run/"' in page
    succeed(task, batch_count=12_345)
    assert ">12,345<" in home(signed_in)


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


def test_a_run_that_waits_without_a_worker_is_said(signed_in: Client, make_task: MakeTask) -> None:
    make_task().queue_run(Run.Trigger.MANUAL)
    assert "no worker is alive" in home(signed_in)

    Worker.objects.see("worker-1", 1)
    assert "no worker is alive" not in home(signed_in)


def test_archived_tasks_are_not_shown(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(name="Long gone")
    fail(task)
    task.archive()
    assert "Long gone" not in home(signed_in)


def test_the_page_takes_as_many_queries_for_many_tasks_as_for_one(
    signed_in: Client, make_task: MakeTask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(15):
        task = make_task(name=f"Task {number}", output_file=f"{number}.xml")
        succeed(task)
        fail(task)
        task.queue_run(Run.Trigger.MANUAL)
    with django_assert_max_num_queries(6):
        home(signed_in)


def test_times_are_relative_with_the_exact_one_and_its_zone_on_hover(
    signed_in: Client, make_task: MakeTask
) -> None:
    run = succeed(make_task())
    moment = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    Run.objects.filter(pk=run.pk).update(finished_at=moment)
    with time_machine.travel(moment + timedelta(hours=3), tick=False):
        assert 'title="2020-02-03 04:05:06 UTC">3 hours ago' in home(signed_in)


def test_a_stranger_is_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get("/").headers["Location"] == "/login/?next=/"
