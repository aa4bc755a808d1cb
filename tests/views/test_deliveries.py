"""Deliveries on the run page and in their list: state, tries, *Deliver again*, *Try now* (D3)."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.models import Delivery, Destination, Run
from tests.conftest import MakeTask
from tests.screen_fixtures import succeed

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(make_task: MakeTask) -> Run:
    made = succeed(make_task())
    Delivery.objects.plan(made)
    return made


def page_of(client: Client, run: Run) -> str:
    return client.get(reverse("run-detail", args=[run.pk])).content.decode()


def again(client: Client, run: Run, destination: Destination) -> str:
    address = reverse("run-redeliver", args=[run.pk])
    answer = client.post(address, {"destination": destination.pk}, follow=True)
    return answer.content.decode()


@pytest.mark.rule("D3")
def test_run_page_shows_each_try(signed_in: Client, run: Run) -> None:
    row = run.deliveries.get()
    for number in range(3):
        assert row.take(f"sender {number}")
        row.put_off("delivery.unreachable", f"no answer {number}")
    page = page_of(signed_in, run)

    assert all(f"no answer {number}" in page for number in range(3))
    assert "Next try" in page
    signed_in.post(reverse("delivery-try", args=[row.pk]))
    assert Delivery.objects.due().filter(pk=row.pk).exists()


@pytest.mark.rule("D3")
def test_deliver_again_makes_a_new_delivery(signed_in: Client, run: Run) -> None:
    row, folder = run.deliveries.get(), Destination.objects.export_folder()
    assert "on its way to Export folder already" in again(signed_in, run, folder)
    assert row.take("sender")
    row.finish(Delivery.State.DELIVERED, location="/srv/batches.xml")
    page = again(signed_in, run, folder)

    assert "is being delivered to Export folder" in page
    newest = run.deliveries.latest("id")
    assert (newest.state, newest.file_name, bool(newest.requested_by)) == (
        "waiting",
        "batches.xml",
        True,
    )
    assert "Asked for by" in page


@pytest.mark.rule("G1")
def test_pruned_run_is_not_delivered_again(signed_in: Client, run: Run) -> None:
    run.deliveries.all().delete()
    Run.objects.filter(pk=run.pk).update(pruned_at=timezone.now())
    folder = Destination.objects.export_folder()
    address = reverse("run-redeliver", args=[run.pk])

    assert signed_in.post(address, {"destination": folder.pk}).status_code == 404
    assert not run.deliveries.exists()


@pytest.mark.rule("O4")
def test_older_file_is_put_beside_the_newer(signed_in: Client, run: Run) -> None:
    for row in run.deliveries.all():
        assert row.take("sender")
        row.finish(Delivery.State.DELIVERED)
    Delivery.objects.plan(succeed(run.task))
    again(signed_in, run, Destination.objects.export_folder())

    assert run.deliveries.latest("id").file_name == f"batches-run{run.pk}.xml"


def test_list_filters_by_state_and_destination(signed_in: Client, run: Run) -> None:
    row = run.deliveries.get()
    address = reverse("delivery-list")
    assert f"/runs/{run.pk}/" in signed_in.get(address).content.decode()
    for query, is_shown in (
        ("state=failing", False),
        ("state=waiting", True),
        ("state=burnt", True),
        (f"destination={row.destination_id}", True),
        ("destination=999999", False),
    ):
        page = signed_in.get(f"{address}?{query}").content.decode()
        assert (f"/runs/{run.pk}/" in page) is is_shown, query


def test_home_says_how_a_failing_delivery_is_mended(run: Run, signed_in: Client) -> None:
    row = run.deliveries.get()
    assert row.take("sender")
    row.fail("delivery.name_taken", "It belongs to another task.")

    page = signed_in.get(reverse("home")).content.decode()

    assert "mend the cause, then press Deliver again" in page


def test_home_offers_to_try_a_waiting_delivery_now(run: Run, signed_in: Client) -> None:
    row = run.deliveries.get()
    assert row.take("sender")
    row.put_off("delivery.unreachable", "no answer")
    address = reverse("delivery-try", args=[row.pk])
    assert f'action="{address}"' in signed_in.get(reverse("home")).content.decode()

    row.refresh_from_db()
    assert row.take("sender again")
    row.fail("delivery.name_taken", "It belongs to another task.")

    assert address not in signed_in.get(reverse("home")).content.decode()
