"""Two hosts on one database: workers and whole hosts killed and cut off, every batch accounted for.

A host is imitated by a group of workers with a data folder of its own; the export folder is one
that both mount. One of them may have a network of its own, whose links are cut until the others
have taken its runs away, and joined again; a host without one is stopped (SIGSTOP) and woken. In
both cases nothing that it still does may count. Meanwhile the servers that both use fail too.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random

from django.conf import settings

from exports.demo.records import seed_batches
from exports.models import Delivery, Run
from exports.models.runs import DEAD_AFTER
from tests.stress.changes import Changes
from tests.stress.checker import Verdict
from tests.stress.host import Host
from tests.stress.kill_points import wait_until
from tests.stress.network import Side
from tests.stress.sample_installation import FILTERS, SampleInstallation, queue
from tests.stress.shared_servers import SharedServers

# Seconds. A host is away for long enough to lose its runs, and the machine may be busy.
_AWAY = DEAD_AFTER.total_seconds() + 15
_PATIENCE = 1200.0
# Seconds of ConnectWise for an answer, while a strike is prepared.
_SLOW = 0.5
_TASKS = [("modified", 25), ("modified", 100), ("new", 100), ("modified", 50), ("all", 100)]
_WORKER = ("manage.py", "worker")


@dataclass
class HostsTally:
    run_count: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    strikes: Counter[str] = field(default_factory=Counter)
    # Runs that hosts held in the moment of a strike.
    held_count: int = 0
    # Runs that more than one attempt was made at.
    taken_over_count: int = 0
    verdict: Verdict = field(default_factory=Verdict)


class HostsHistory:
    """Runs of some tasks, each as soon as its last one is over, while hosts are struck.

    `away`: seconds for which a host is away; `program`: what its workers execute.
    """

    def __init__(
        self,
        seed: int,
        folder: Path,
        servers: SharedServers,
        *,
        batch_count: int,
        away: float = _AWAY,
        program: tuple[str, ...] = _WORKER,
    ) -> None:
        self.tally = HostsTally()
        self._random = Random(seed)
        self._servers = servers
        self._away = away
        self._sample = SampleInstallation(
            seed_batches(batch_count), parallel_requests=2, address=servers.address(Side.INTERNET)
        )
        self._sample.stand_in.latency = 0.02
        self._changes = Changes(self._sample, Random(seed + 1))
        for number, (export, page_size) in enumerate(_TASKS):
            self._sample.add_task(export, page_size, FILTERS[number % len(FILTERS)])
        self._hosts = self._make_hosts(folder, program)

    @property
    def kinds(self) -> list[str]:
        """The names of all that can happen to hosts and servers."""
        return [*self._host_strikes(), *self._servers.strikes()]

    def simulate(self, run_count: int, strike_count: int, kinds: Sequence[str] = ()) -> HostsTally:
        """At least so many runs and strikes, a clean run of each task, and the verdict.

        `kinds`: of the strikes, by default all; each happens at least once.
        """
        kinds, tally = kinds or self.kinds, self.tally
        # Each in turn, so that a short history has them all.
        hosts, servers = (
            cycle([name for name in all if name in kinds] or [""])
            for all in (self._host_strikes(), self._servers.strikes())
        )
        try:
            for host in self._hosts:
                host.start()
            while (
                tally.run_count < run_count
                or tally.strikes.total() < strike_count
                or not set(kinds) <= set(tally.strikes)
            ):
                self._queue_some()
                time.sleep(self._random.uniform(0.2, 3))
                self._strike_next(hosts, servers)
                self._look()
            self._end_cleanly()
        finally:
            for host in self._hosts:
                host.end()
            self._sample.close()
        self._gather()
        self._count()
        tally.verdict.add(self._sample.judge_all())
        return tally

    def _strike_next(self, hosts: Iterator[str], servers: Iterator[str]) -> None:
        """Strike a host when none is away, and a server when all were there for a while."""
        names = []
        if not any(host.is_away for host in self._hosts) and (name := next(hosts)):
            self._host_strikes()[name]()
            names.append(name)
        if self._servers.may_be_struck and (name := next(servers)):
            self._servers.strikes()[name](self._random)
            names.append(name)
        self.tally.strikes.update(names)

    def _make_hosts(self, folder: Path, program: tuple[str, ...]) -> tuple[Host, Host]:
        """The second one has the network of its own, if there is one."""
        exports = Path(settings.CWEXPORT_DATA_DIR) / "exports"
        exports.mkdir(parents=True, exist_ok=True)
        shared = {"CWEXPORT_EXPORT_DIR": str(exports)}
        servers = self._servers
        return (
            Host(folder / "a", servers.settings() | shared, program),
            Host(
                folder / "b",
                servers.settings(is_cut_off=True) | shared,
                program,
                servers.network,
            ),
        )

    def _look(self) -> None:
        self._servers.look()
        for host in self._hosts:
            host.look()

    def _queue_some(self) -> None:
        active = set(Run.objects.active().values_list("task_id", flat=True))
        for task in self._sample.tasks:
            if task.pk not in active:
                self._change()
                queue(task)
                self.tally.run_count += 1

    def _change(self) -> None:
        changes = self._changes
        kinds: list[Callable[[], None]] = [changes.add, changes.touch, changes.tie]
        for _ in range(self._random.choice((0, 1, 5))):
            self._random.choice(kinds)()

    def _host_strikes(self) -> dict[str, Callable[[], None]]:
        strikes = {
            "worker killed": lambda: self._strike(lambda host: host.kill_one(self._random)),
            "host killed": lambda: self._strike(lambda host: host.kill_all()),
            "host stopped": lambda: self._strike(lambda host: host.stop(self._away)),
        }
        if self._servers.network:
            strikes["host cut off from the database"] = lambda: self._cut_off(Side.DATABASE)
            strikes["host cut off from all"] = lambda: self._cut_off(*Side)
        return strikes

    def _strike(self, strike: Callable[[Host], None], host: Host | None = None) -> None:
        host = host or self._random.choice(self._hosts)
        with self._amid_a_run_of(host):
            self.tally.held_count += len(host.runs())
            strike(host)

    def _cut_off(self, *sides: Side) -> None:
        self._strike(lambda host: host.cut_off(self._away, *sides), self._hosts[1])

    @contextmanager
    def _amid_a_run_of(self, host: Host) -> Iterator[None]:
        """A strike at a host that does nothing would prove nothing; so its run takes longer."""
        stand_in = self._sample.stand_in
        usual, stand_in.latency = stand_in.latency, _SLOW

        def has_run() -> bool:
            self._look()
            self._queue_some()
            return bool(host.runs())

        try:
            wait_until(has_run, seconds=_PATIENCE, every=0.2)
            time.sleep(self._random.uniform(0, 1))
            yield
        finally:
            stand_in.latency = usual

    def _end_cleanly(self) -> None:
        wait_until(self._is_whole_again, seconds=_PATIENCE, every=0.2)
        self._wait_for_all()
        for host in self._hosts:
            # What was left behind is cleared by workers at their start.
            host.end()
            host.start()
        for task in self._sample.tasks:
            run = queue(task)
            self.tally.run_count += 1
            self._wait_for_all()
            run.refresh_from_db()
            if run.status != "succeeded":
                self.tally.verdict.find("lost", f"the clean {run} {run.status}: {run.error}")
        wait_until(lambda: not _open_deliveries(), seconds=_PATIENCE, every=0.2)

    def _is_whole_again(self) -> bool:
        self._look()
        return self._servers.is_whole and not any(host.is_away for host in self._hosts)

    def _wait_for_all(self) -> None:
        def is_over() -> bool:
            self._look()
            return not Run.objects.active().exists()

        wait_until(is_over, seconds=_PATIENCE, every=0.2)

    def _gather(self) -> None:
        """Put the files of the storage and of both hosts where the checker looks for them."""
        for name in ("runs", "orphaned"):
            target = Path(settings.CWEXPORT_DATA_DIR) / name
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            for host in self._hosts:
                for path in (host.folder / name).glob("*"):
                    shutil.move(path, target / path.name)
        self._servers.fetch_files()

    def _count(self) -> None:
        tasks = [task.pk for task in self._sample.tasks]
        for run in Run.objects.filter(task__in=tasks):
            self.tally.statuses["suspicious" if run.suspicion else run.status] += 1
            self.tally.taken_over_count += run.attempt > 1


def _open_deliveries() -> bool:
    return Delivery.objects.open().exists()
