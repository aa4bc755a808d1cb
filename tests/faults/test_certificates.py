"""Invalid certificates: nothing is sent, and the run says why (rule C6)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import Settings
from time_machine import travel

from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from tests.conftest import make_connection, run_now, save_task
from tests.demo.certificates import make_certificates
from tests.pipeline.outcomes import aftermath, safe_failure

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def expired_stand_in(tmp_path: Path, settings: Settings) -> Iterator[StandIn]:
    """A stand-in whose certificate is from a trusted authority but expired years ago."""
    with travel(datetime(2020, 1, 1, tzinfo=UTC)):
        certificates = make_certificates(tmp_path)
    settings.CWEXPORT_CA_FILE = str(certificates.authority)
    with StandIn(Store(seed_batches(30)), tls=certificates.pair) as running:
        yield running
    assert running.failures == []


def test_an_expired_certificate_fails_safely(expired_stand_in: StandIn) -> None:
    run = run_now(save_task(make_connection(expired_stand_in)))

    assert aftermath(run) == safe_failure(run)
    assert "certificate" in run.error
    assert "expired" in run.error
    assert list(expired_stand_in.requests) == []
