"""On a bad network, repeated clicks do no harm and nothing moves on the page."""

import re

import pytest
from playwright.sync_api import Page

from exports.models import Run
from tests.browser.conftest import Visit
from tests.browser.watching import slow_down
from tests.conftest import MakeTask

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The layout shift since the page was first painted (0: none).
_SHIFTS = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => {
        for (const shift of list.getEntries()) if (!shift.hadRecentInput) sum += shift.value;
    }).observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 300);
})"""


def test_repeated_run_now_starts_one_run(page: Page, make_task: MakeTask) -> None:
    task = make_task()
    page.goto(f"/tasks/{task.pk}/")
    slow_down(page)
    page.get_by_role("button", name="Run now").first.click(click_count=4, no_wait_after=True)
    page.wait_for_url(re.compile(r"/runs/\d+/$"))

    assert Run.objects.count() == 1


@pytest.mark.parametrize("name", ["home", "new task", "task", "run succeeded", "history"])
def test_a_page_that_loads_slowly_does_not_jump(visit: Visit, name: str) -> None:
    page = visit(name)
    slow_down(page)
    page.reload()

    assert page.evaluate(_SHIFTS) < 0.1
