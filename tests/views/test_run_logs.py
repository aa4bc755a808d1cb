"""The log on the page of a run: by level, and in pieces of limited size."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.models import Run, RunLogEntry, Task
from tests.screen_fixtures import OWNER, fail, start, succeed

MakeTask = Callable[..., Task]
LEVELS = ("info", "info", "warning", "info", "error")


def write(run: Run, line_count: int) -> list[RunLogEntry]:
    """Lines 0, 1, 2, …; two info, a warning, an info and an error in turn."""
    return RunLogEntry.objects.bulk_create(
        RunLogEntry(run=run, level=LEVELS[number % 5], message=f"Line {number}.")
        for number in range(line_count)
    )


def page_of(client: Client, run: Run, **asked: Any) -> str:
    page = client.get(reverse("run-detail", args=[run.pk]), asked).content.decode()
    return " ".join(page.split())


def numbers(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'log-message">Line (\d+)\.', page)]


def link(page: str, word: str) -> str:
    found = re.search(rf'<a href="([^"]*)">{word}</a>', page)
    assert found, f"no link {word}"
    return found[1].replace("&amp;", "&")


@pytest.mark.rule("R5")
def test_long_log_is_read_backwards(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    write(run, 250)
    newest = page_of(signed_in, run)
    middle = signed_in.get(link(newest, "Earlier lines")).content.decode()
    oldest = signed_in.get(link(middle, "Earlier lines")).content.decode()
    again = signed_in.get(link(oldest, "Later lines")).content.decode()

    assert numbers(newest) == list(range(150, 250))
    assert numbers(middle) == list(range(50, 150))
    assert numbers(oldest) == list(range(50))
    assert numbers(again) == list(range(50, 150))
    assert "Later lines" not in newest
    assert "Earlier lines" not in oldest


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("", list(range(10))),
        ("warning", [2, 4, 7, 9]),
        ("error", [4, 9]),
        ("nonsense", list(range(10))),
    ],
)
def test_the_level_of_the_address_is_shown(
    signed_in: Client, make_task: MakeTask, level: str, shown: list[int]
) -> None:
    run = fail(make_task())
    write(run, 10)
    page = page_of(signed_in, run, level=level)
    assert numbers(page) == shown
    chosen = re.findall(r'<a href="([^"]*)#run-log" aria-current="true">', page)
    base = reverse("run-detail", args=[run.pk])
    assert chosen == [base if level in ("", "nonsense") else f"{base}?level={level}"]
    assert re.findall(r'log-count">(\d+)<', page) == ["10", "4", "2"]


def test_pieces_keep_the_level(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    write(run, 600)
    newest = page_of(signed_in, run, level="error")
    oldest = signed_in.get(link(newest, "Earlier lines")).content.decode()
    assert numbers(newest) == list(range(104, 600, 5))
    assert numbers(oldest) == list(range(4, 104, 5))


@pytest.mark.parametrize("wrong", ["-1", "x", "١٢", "9" * 19, "9" * 400, "", "0"])
def test_nonsense_in_the_address_is_survived(
    signed_in: Client, make_task: MakeTask, wrong: str
) -> None:
    run = fail(make_task())
    write(run, 3)
    for name in ("before", "after"):
        address = reverse("run-detail", args=[run.pk])
        assert signed_in.get(address, {name: wrong}).status_code == 200
    active = start(Task.objects.get())
    address = reverse("run-progress", args=[active.pk])
    assert signed_in.get(address, {"seen": wrong}).status_code == 200


def test_empty_log_level_is_shown(signed_in: Client, make_task: MakeTask) -> None:
    run = fail(make_task())
    assert "No lines." in page_of(signed_in, run)
    assert "No line of this level." in page_of(signed_in, run, level="error")


def test_empty_log_is_shown(signed_in: Client, make_task: MakeTask) -> None:
    page = page_of(signed_in, start(make_task()))
    assert page.index("Nothing yet.") < page.index('<ol class="log-lines is-growing"')


def test_an_active_run_shows_its_last_lines(signed_in: Client, make_task: MakeTask) -> None:
    run = start(make_task())
    write(run, 40)
    assert numbers(page_of(signed_in, run)) == list(range(25, 40))


def test_however_long_the_log_the_queries_are_few(
    signed_in: Client,
    make_task: MakeTask,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    task = make_task()
    succeed(task)
    over = succeed(task)
    write(over, 2_000)
    active = start(task)
    write(active, 2_000)
    waiting = make_task(name="Waiting", output_file="w.xml").queue_run(Run.Trigger.MANUAL)
    for run in (over, active, waiting):
        for name in ("run-detail", "run-progress"):
            with django_assert_max_num_queries(12):
                assert signed_in.get(reverse(name, args=[run.pk])).status_code == 200
    # The last poll, when the run ends: it has everything that is shown then.
    active.fail(OWNER, "No.")
    with django_assert_max_num_queries(12):
        signed_in.get(reverse("run-progress", args=[active.pk]))
