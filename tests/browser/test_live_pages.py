"""Pages that are open notice what other people and the workers do."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from exports.models import Task
from tests.screen_fixtures import fail, start, succeed

pytestmark = pytest.mark.browser

MakeTask = Callable[..., Task]


def ask_now(page: Page) -> None:
    """What the page does by itself every few seconds while it is in sight."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_idle_home_shows_run_of_somebody_else(page: Page, make_task: MakeTask) -> None:
    task = make_task()
    succeed(task)
    page.goto(reverse("home"))
    page.get_by_role("button", name="Run now").focus()
    run = start(task)
    ask_now(page)

    expect(page.locator("#home-attention")).to_contain_text(str(run))
    expect(page.locator(f"#task-{task.pk}")).to_contain_text("Follow run")


def test_run_of_task_without_row_is_followed(page: Page, make_task: MakeTask) -> None:
    """A row that the page does not show cannot be renewed: the browser would report an error."""
    shown, other = make_task(name="Kept"), make_task(name="Other", output_file="other.xml")
    succeed(shown)
    run = start(other)
    with page.expect_response(lambda answer: reverse("home-live") in answer.url):
        page.goto(f"{reverse('home')}?name=Kept")

    expect(page.locator("#home-attention")).to_contain_text(str(run))
    expect(page.locator(f"#task-{shown.pk}")).to_be_visible()
    expect(page.locator(f"#task-{other.pk}")).to_have_count(0)


def test_empty_home_shows_the_first_task(page: Page, make_task: MakeTask) -> None:
    page.goto(reverse("home"))
    expect(page.locator("#home-tasks .tasks-head")).to_have_count(0)
    task = make_task()
    fail(task)
    ask_now(page)

    expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    expect(page.locator(f"#task-{task.pk}")).to_contain_text("Failed")
    expect(page.locator(".first-steps")).to_have_count(0)


def test_title_and_icon_tell_of_failures(page: Page, make_task: MakeTask) -> None:
    task = make_task()
    succeed(task)
    page.goto(reverse("run-list"))
    expect(page).to_have_title("History · cwexport")
    calm = page.locator("link[rel=icon]").get_attribute("href")
    fail(task)
    ask_now(page)

    expect(page).to_have_title("(1) History · cwexport")
    expect(page.locator("link[rel=icon]")).not_to_have_attribute("href", str(calm))
    expect(page.locator("#history")).to_contain_text("Failed")
    succeed(task)
    ask_now(page)
    expect(page).to_have_title("History · cwexport")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", str(calm))


def test_refreshed_list_keeps_filter_and_focus(page: Page, make_task: MakeTask) -> None:
    kept, other = make_task(name="Kept"), make_task(name="Other", output_file="other.xml")
    page.goto(f"{reverse('task-list')}?name=Kept")
    button = page.locator(f"#run-{kept.pk}")
    button.focus()
    fail(kept)
    ask_now(page)

    expect(page.locator("#tasks")).to_contain_text("Failed")
    expect(button).to_be_focused()
    expect(page.get_by_text(other.name, exact=True)).to_have_count(0)
    assert page.url.endswith("?name=Kept")


def test_hidden_tab_asks_nothing(page: Page, make_task: MakeTask) -> None:
    make_task()
    with page.expect_response(lambda answer: reverse("changes") in answer.url):
        page.goto(reverse("home"))
    asked: list[str] = []
    # The browser fetches the icon when it likes.
    page.on("request", lambda request: request.url.endswith(".svg") or asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, set: () => {} })")
    ask_now(page)
    page.wait_for_timeout(6_000)
    assert asked == []
