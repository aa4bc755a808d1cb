"""The short form of `make stress ARGS=hosts`: two hosts, of which one after the other is struck."""

from pathlib import Path

import pytest

from tests.stress.hosts import HostsHistory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("Q1", "Q3")
def test_struck_hosts_lose_and_repeat_nothing(tmp_path: Path) -> None:
    tally = HostsHistory(1, tmp_path, batch_count=100).simulate(5, 3)

    assert "\n".join(tally.verdict.findings) == ""
    assert {"worker killed", "host killed", "host cut off"} <= set(tally.strikes)
    assert tally.verdict.ok >= 100
