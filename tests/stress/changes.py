"""Changes that people make in ConnectWise during exports, in the stand-in's store."""

from collections import Counter
from datetime import timedelta
from random import Random
from threading import Lock

from exports.demo.faults import ClockSkew
from exports.demo.rows import Record
from tests.stress.sample_installation import SampleInstallation

# Less than the product's overlap, in seconds (W5).
_LATEST = 14 * 60.0
_FLAGS = ("exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")


class Changes:
    """People who work in ConnectWise; stamps follow its clock, which may be wrong."""

    def __init__(self, sample: SampleInstallation, random: Random) -> None:
        self._sample = sample
        self._random = random
        self.counts: Counter[str] = Counter()
        self._lock = Lock()
        self._late_ids: list[int] = []
        self._number = 0
        self.skew: ClockSkew | None = None

    def make(self, count: int) -> None:
        """Make this many random changes, from any thread."""
        with self._lock:
            for _ in range(count):
                kinds = (self.add, self.touch, self.touch, self.delete, self.tie, self.hold_back)
                change = self._random.choice(kinds)
                change()
                self.counts[change.__name__] += 1

    def set_clock(self, seconds: float) -> None:
        """From now on ConnectWise's clock is wrong by this much."""
        stand_in = self._sample.stand_in
        if self.skew is not None:
            stand_in.faults.remove(self.skew)
        self.skew = stand_in.faults.add(ClockSkew(seconds))

    def commit_all(self) -> None:
        """Commit held back batches before more time passes than the overlap covers."""
        with self._lock:
            while self._late_ids:
                self._sample.journal.put({**self._batch(is_late=True), "id": self._late_ids.pop()})

    def add(self) -> None:
        self._sample.journal.add(self._batch(is_late=self._random.random() < 0.4))

    def touch(self) -> None:
        self._touch(self._stamp(is_late=self._random.random() < 0.3))

    def tie(self) -> None:
        """Several batches with the same second."""
        stamp = self._stamp(is_late=False)
        for _ in range(self._random.randint(2, 5)):
            self._touch(stamp)

    def delete(self) -> None:
        ids = self._sample.journal.ids
        if len(ids) > 50:
            self._sample.journal.delete(self._random.choice(ids))

    def hold_back(self) -> None:
        """Reserve an id now; the batch is committed later, after others with higher ids."""
        self._late_ids.append(self._sample.journal.reserve_id())

    def _touch(self, stamp: str) -> None:
        id = self._random.choice(self._sample.journal.ids)
        fields: Record = {"batchIdentifier": self._identifier()}
        if self._random.random() < 0.5:
            fields[self._random.choice(_FLAGS)] = self._random.random() < 0.5
        self._sample.journal.touch(id, stamp, **fields)

    def _batch(self, *, is_late: bool) -> Record:
        flags = {flag: self._random.random() < 0.5 for flag in _FLAGS}
        info = {"lastUpdated": self._stamp(is_late=is_late), "updatedBy": "Admin1"}
        return {"batchIdentifier": self._identifier(), **flags, "_info": info}

    def _stamp(self, *, is_late: bool) -> str:
        # A clock set back uses up a part of the overlap.
        limit = _LATEST + min(0.0, self.skew.seconds if self.skew else 0.0)
        late = timedelta(seconds=self._random.uniform(0, limit) if is_late else 0)
        return f"{self._sample.stand_in.now() - late:%Y-%m-%dT%H:%M:%SZ}"

    def _identifier(self) -> str:
        self._number += 1
        return f"change {self._number} & more"
