"""Duties that workers share: all together do each about twice as often as one alone would.

Any number of workers may do a duty at once: rows decide. So nobody is elected. The oldest living
worker does each duty at its own pace. Each of N others does it at N times that pause, at random
moments: if the oldest hangs or dies, the others together do as much as it did, and fifty idle
workers ask the database hardly more than two.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from django.db import connection

from exports.housekeeping.isolation import isolated


class Among(Enum):
    """Among which workers a duty is divided."""

    ALL = auto()
    # For what only this host sees: its disks, its files.
    HOST = auto()


@dataclass(frozen=True)
class Duty:
    """Something to do every so many seconds, and at once when `wake` is set."""

    name: str
    every: float
    do: Callable[[], object]
    among: Among = Among.ALL
    wake: threading.Event | None = None


class Shares:
    """Among how many workers each duty is divided at the moment; 1 for the oldest of them."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(Among, 1)

    def update(self, of_all: int, of_host: int) -> None:
        self._counts = {Among.ALL: of_all, Among.HOST: of_host}

    def of(self, duty: Duty) -> int:
        return self._counts[duty.among]


class DutyThread:
    """Does one duty until `over` is set: one thread each, so that none waits for another."""

    def __init__(self, duty: Duty, shares: Shares, over: threading.Event) -> None:
        self._duty, self._shares, self._over = duty, shares, over
        self._wake = duty.wake or over
        self._thread = threading.Thread(target=self._repeat, name=duty.name, daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._wake.set()
        self._thread.join(timeout=seconds)

    def _repeat(self) -> None:
        while not self._over.is_set():
            with isolated(self._duty.name):
                self._duty.do()
            # Ten threads with a connection each would use up a server for a hundred.
            connection.close()
            self._pause()

    def _pause(self) -> None:
        """Wait for the next round; its moment moves as workers come and go."""
        begun_at, chance = time.monotonic(), random.uniform(0.5, 1.5)  # noqa: S311
        while not self._over.is_set():
            share = self._shares.of(self._duty)
            pause = self._duty.every * share * (chance if share > 1 else 1)
            rest = begun_at + pause - time.monotonic()
            if rest <= 0:
                return
            if self._wake.wait(min(rest, self._duty.every)):
                if self._wake is not self._over:
                    self._wake.clear()
                return
