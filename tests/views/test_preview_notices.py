"""What the preview shows for faults, refused conditions, and when nothing matches."""

from collections.abc import Callable

import pytest
from django.test import Client
from lxml.html import document_fromstring

from exports.connectwise.filter.conditions import Condition
from exports.demo import answers, faults
from exports.demo.server import StandIn
from exports.models import Run, Task
from tests.conftest import MakeTask
from tests.views.preview_pages import OUR_PAGE, THE_SAMPLE, connection, no_waits, text_of, url_of

__all__ = ["connection", "no_waits"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_waits")]


def test_fault_links_to_the_connection(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task()
    stand_in.faults.add(faults.Status(401, b'{"message":"<b>no</b>"}'))

    response = signed_in.get(url_of(task), headers=OUR_PAGE)

    document = document_fromstring(response.content)
    notice = document.xpath("//div[contains(@class, 'notice-error')]")[0]
    assert " ".join(notice.text_content().split()) == (
        "Reading batches: ConnectWise answered 401 (“<b>no</b>”). Check the company, the public "
        "key, the private key and the Client ID of the connection; the keys may have expired or "
        "belong to another company. Open connection Stand-in"
    )
    assert notice.xpath(".//a/@href") == [f"/connections/{task.connection_id}/"]
    assert "A run would fail" in text_of(response)
    assert document.xpath("//table | //pre") == []


def test_refused_conditions_show_their_request(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task()
    task.replace_conditions([Condition("nonsense", "Equal", "1")])
    # Without a filter, ConnectWise accepts the request.
    stand_in.faults.add(
        faults.Status(
            400, b'{"message":"no field"}', when=lambda asked: "conditions" in asked.query
        )
    )

    page = text_of(signed_in.get(url_of(task), headers=OUR_PAGE))

    assert "Reading batches: ConnectWise answered 400 (“no field”)." in page
    assert "conditions=%28nonsense%20%3D%201%29%20and%20id%20%3E%200&orderBy" in page
    assert page.count("ConnectWise answered 400") == 1
    assert "nonsense is not a known field: ConnectWise may refuse it or find nothing." in page


def test_refused_count_leaves_the_rest(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    stand_in.faults.add(faults.Status(403, on=(answers.COUNT,)))

    response = signed_in.get(url_of(make_task(export="modified")), headers=OUR_PAGE)

    page = text_of(response)
    assert "Batches match, how many is not known" in page
    assert page.count("The number of batches cannot be proven.") == 1
    assert len(document_fromstring(response.content).xpath("//table/tbody/tr")) == 10


@pytest.mark.parametrize(
    ("fields", "rows", "sentence"),
    [
        (
            {"export": "all"},
            [Condition("batchIdentifier", "Equal", '"nobody"')],
            "None of the 120 batches meets the conditions, whenever it changed. Check field, "
            "comparison and value of each condition",
        ),
        (
            {"export": "modified", "date_modified": "2030-01-01T00:00:00Z"},
            [THE_SAMPLE],
            "1 batch matches apart from that, but it was not updated after 2030-01-01 00:00:00 "
            "UTC. That is as it should be when nothing has changed since. If something has, check "
            "Date Modified.",
        ),
        (
            {"export": "new", "date_created": "2030-01-01T00:00:00Z"},
            [],
            "120 batches match apart from that, but none has an id above",
        ),
    ],
    ids=["conditions", "modified", "new"],
)
def test_nothing_to_export_explains_what_to_check(
    signed_in: Client,
    make_task: Callable[..., Task],
    fields: dict[str, str],
    rows: list[Condition],
    sentence: str,
) -> None:
    task = make_task(**fields)
    task.replace_conditions(rows)

    page = text_of(signed_in.get(url_of(task), headers=OUR_PAGE))

    assert "Nothing to export" in page
    assert sentence in page
    assert "A run now would succeed with a file without batches" in page
    assert '/XMLSchema" />' in page


def test_empty_connectwise_is_suspicious(signed_in: Client, task: Task, stand_in: StandIn) -> None:
    stand_in.store.clear()

    page = text_of(signed_in.get(url_of(task), headers=OUR_PAGE))

    assert "ConnectWise shows this API member no batches at all." in page
    assert "be marked as suspicious and leave its dates as they are" in page


def test_disabled_task_can_be_previewed(signed_in: Client, make_task: MakeTask) -> None:
    page = text_of(signed_in.get(url_of(make_task(enabled=False)), headers=OUR_PAGE))

    assert "This task is not enabled: it can be previewed, but not run." in page
    assert "120 batches match" in page


def test_preview_of_running_task_links_to_run(signed_in: Client, task: Task) -> None:
    run = task.queue_run(Run.Trigger.MANUAL)

    response = signed_in.get(url_of(task), headers=OUR_PAGE)

    links = document_fromstring(response.content).xpath("//main//a[contains(@class, 'btn')]/@href")
    assert links == [f"/runs/{run.pk}/", f"/tasks/{task.pk}/edit/"]


@pytest.mark.rule("F7")
def test_preview_tries_what_like_meant(
    signed_in: Client, make_task: MakeTask, stand_in: StandIn
) -> None:
    task = make_task()
    task.replace_conditions([Condition("batchIdentifier", "Like", '"20191015"')])
    page = text_of(signed_in.get(url_of(task), headers=OUR_PAGE))

    assert 'this finds only what is exactly "20191015"' in page
    assert (
        'With * around it, 1 batch is found: batches where batchIdentifier is like "*20191015*".'
    ) in page
    assert "Change the conditions" in page
