"""Deliveries to other machines, killed in calls to disk and network: all must end whole."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exports.demo.records import seed_batches
from exports.models import Delivery, Run
from tests.delivery.deliveries import enlarge, take_over
from tests.delivery.destinations import outcomes
from tests.delivery.places import PLACES, Place
from tests.stress.kill_points import RARE_CALLS, WRITES, KillTally, killed_in, most_calls
from tests.stress.sample_installation import SampleInstallation, run_cleanly, start_process

CALLS = (*RARE_CALLS, *WRITES, "connect", "sendto", "sendmsg")
# So that a file is sent in many calls by SFTP and in some by the others.
_SIZE = 1_000_000


class DeliveryKills:
    """One place; each kill hits a delivery with a file name of its own."""

    def __init__(self, place: Place, run: Run, content: bytes, log: Path) -> None:
        self.tally = KillTally()
        self._place, self._run, self._content, self._log = place, run, content, log

    def count_calls(self) -> dict[str, int]:
        trace = self._log.with_suffix(".strace")
        self._plan("undisturbed.xml")
        traced = ["strace", "-f", "-o", str(trace), "-e", f"trace={','.join(CALLS)}"]
        self._deliver(traced)
        return most_calls(trace, CALLS)

    def strike(self, call: str, number: int) -> None:
        """Kill a delivery in its `number`-th such call, let another worker take over, judge."""
        name = f"{call}-{number}.xml"
        row, what = self._plan(name), f"{self._place.destination.kind}, {call} {number}"
        code = self._deliver(killed_in(call, number))
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
            self.tally.hit_counts[call] = self.tally.hit_counts.get(call, 0) + 1
        else:
            self.tally.missed_count += 1
        verdict, files = self.tally.verdict, self._place.files()
        if files.get(name, self._content) != self._content:
            verdict.find("torn", f"{what}: a part of the file has its name")
        take_over()
        row.refresh_from_db()
        files = self._place.files()
        if row.state != Delivery.State.DELIVERED or files.get(name) != self._content:
            verdict.find("lost", f"{what}: {row.state} {row.error_code} {row.error}")
        if left := [one for one in files if one.endswith(".part")] + self._place.unseen():
            verdict.find("torn", f"{what}: {left} are left")
        verdict.ok += 1

    def _plan(self, name: str) -> Delivery:
        """As *Deliver again* does, under another name."""
        there = self._place.destination
        named = {"destination_name": there.name, "file_name": name, "name_key": name}
        return Delivery.objects.create(
            run=self._run, destination=there, requested_by="stress", **named
        )

    def _deliver(self, before: list[str]) -> int:
        program = self._place.strike.program
        return start_process("-c", program, log=self._log, before=before).wait(timeout=180)


@contextmanager
def delivery_kills(kind: str, log: Path) -> Iterator[DeliveryKills]:
    """A running server of this kind, and a file to deliver there."""
    sample = SampleInstallation(seed_batches(100))
    try:
        run = run_cleanly(sample.add_task("all", 100))
        content = enlarge(run, _SIZE)
        with tempfile.TemporaryDirectory() as folder, PLACES[kind](Path(folder)) as place:
            assert "failed" not in outcomes(place.destination)
            yield DeliveryKills(place, run, content, log)
    finally:
        sample.close()


def points_of(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Every rare call, and every tenth of those that write and send."""
    often = {*WRITES, "sendto", "sendmsg"}
    return [
        (call, number)
        for call, count in counts.items()
        for number in range(1, count + 1, 10 if call in often else 1)
    ]
