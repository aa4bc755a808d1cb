"""Times are shown in the reader's zone, with its name."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.models import Run
from tests.conftest import MakeTask

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def page(signed_in: Client, make_task: MakeTask) -> str:
    run = make_task().queue_run(Run.Trigger.MANUAL)
    Run.objects.filter(pk=run.pk).update(queued_at=MOMENT)
    return reverse("run-detail", args=[run.pk])


def shown(client: Client, page: str) -> tuple[str, str]:
    """When the run was queued, and the text at the foot of the page."""
    text = client.get(page).content.decode()
    moment = re.search(r'class="lead-in">[^·]*· <time[^>]*>([^<]*)</time>', text)
    zone = re.search(r"Times are in ([^<]*)\.</p>", text)
    assert moment
    assert zone
    return moment[1], zone[1]


def test_browser_zone_is_used_and_named(signed_in: Client, page: str) -> None:
    signed_in.cookies["cwexport_zone"] = "America/New_York"
    assert shown(signed_in, page) == ("2026-03-01 07:00:00 EST", "America/New_York")


@pytest.mark.parametrize(
    "name",
    ["", "Atlantis/Capital", "../../etc/passwd", "/etc/passwd", "Europe", "x" * 5_000, "\x00"],
)
def test_invalid_zone_keeps_the_installations(signed_in: Client, page: str, name: str) -> None:
    signed_in.cookies["cwexport_zone"] = name
    assert shown(signed_in, page) == ("2026-03-01 12:00:00 UTC", "UTC")


def test_zone_does_not_leak_between_requests(signed_in: Client, page: str) -> None:
    signed_in.cookies["cwexport_zone"] = "Asia/Tokyo"
    assert shown(signed_in, page)[1] == "Asia/Tokyo"
    assert timezone.get_current_timezone_name() == "UTC"
    del signed_in.cookies["cwexport_zone"]
    assert shown(signed_in, page)[1] == "UTC"
