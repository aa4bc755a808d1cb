"""Fixtures with a running stand-in ConnectWise; import them in a conftest.py to use them."""

from collections.abc import Iterator

import pytest

from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from tests.demo.certificates import Certificates, make_certificates


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A ConnectWise with 120 batches over plain HTTP; its own mistakes fail the test."""
    with StandIn(Store(seed_batches(120))) as running:
        yield running
    assert running.failures == []


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_stand_in(certificates: Certificates) -> Iterator[StandIn]:
    """As `stand_in`, over TLS; clients must trust `certificates.authority`."""
    with StandIn(Store(seed_batches(120)), tls=certificates.pair) as running:
        yield running
    assert running.failures == []
