"""Processes killed while they deliver to other machines, at every step of each kind (D3, D4)."""

import signal
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from pytest_django import Settings

from exports.models import Task
from tests.delivery.deliveries import delivery_of, enlarge, take_over
from tests.delivery.destinations import deliver_only_to, execute, outcomes
from tests.delivery.places import PLACES, Place
from tests.delivery.strikes import COMMITTED, MOMENTS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # boto3 and moto warn of their own code.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
# More than what is on its way between two processes.
SIZE = 16_000_000


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Place]:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    folder = tmp_path / "there"
    folder.mkdir()
    with PLACES[request.param](folder) as made:
        assert "failed" not in outcomes(made.destination)
        made.strike.commit_count = 0
        yield made


@pytest.mark.rule("D3", "D4")
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_delivery_is_made_good(place: Place, task: Task, moment: str) -> None:
    deliver_only_to(place.destination, task)
    run = execute(task)
    content = enlarge(run, SIZE)

    assert place.strike.deliver(moment) == -signal.SIGKILL
    assert place.files().get("batches.xml", content) == content
    take_over()
    row = delivery_of(run)
    assert (row.state, row.attempt_count) == ("delivered", 2), row.error
    assert place.files() == {"batches.xml": content}
    is_sent_twice = moment == COMMITTED and not place.is_noted
    assert place.strike.commit_count == 1 + is_sent_twice
