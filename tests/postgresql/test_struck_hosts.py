"""The short form of `make stress ARGS=hosts`: two hosts, of which one after the other is struck.

Workers take each other for dead after a fifth of the usual time, as does the time away go by.
"""

from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from tests.conftest import INSTEAD
from tests.stress.hosts import HostsHistory, HostsTally
from tests.stress.shared_servers import NAMESPACE, REDIS, S3, SharedServers

pytestmark = pytest.mark.django_db(transaction=True)

HASTY = ("-m", "tests.stress.hasty_worker")


Tell = Callable[[str, object], None]


def strike(folder: Path, tell: Tell, *kinds: str, without: Collection[str] = ()) -> HostsTally:
    """One strike of each of these kinds; a host that cannot be cut off is stopped."""
    servers = SharedServers(folder, without=without, longest=4)
    try:
        history = HostsHistory(1, folder, servers, batch_count=100, away=15, program=HASTY)
        missing = set(kinds) - set(history.kinds)
        if missing:
            tell(INSTEAD, f"stopped, not {', '.join(missing)}: {servers.refusal}")
            kinds = (*set(kinds) - missing, "host stopped")
        tally = history.simulate(3, 1, kinds)
    finally:
        servers.close()
    assert "\n".join(tally.verdict.findings) == ""
    assert tally.verdict.ok >= 100
    return tally


@pytest.mark.rule("Q1", "Q3")
@pytest.mark.parametrize("kind", ["host cut off from the database", "host cut off from all"])
def test_host_cut_off_counts_for_nothing(tmp_path: Path, record_property: Tell, kind: str) -> None:
    strike(tmp_path, record_property, kind, without=[REDIS, S3])


@pytest.mark.rule("Q1", "Q3")
def test_killed_and_stopped_hosts_lose_nothing(tmp_path: Path, record_property: Tell) -> None:
    tally = strike(
        tmp_path,
        record_property,
        "worker killed",
        "host killed",
        "host stopped",
        without=[REDIS, S3, NAMESPACE],
    )
    assert tally.taken_over_count > 0


@pytest.mark.rule("Q1", "Q2", "Q3")
def test_redis_and_storage_fail_beside_hosts(tmp_path: Path, record_property: Tell) -> None:
    strike(
        tmp_path,
        record_property,
        "host cut off from the database",
        "Redis emptied",
        "Redis killed",
        "S3 paused",
    )
