"""The clock of the sample: set back by days, moved on by every answer of the stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

from time_machine import Traveller, travel

from exports.demo.answers import Request
from exports.demo.server import StandIn


class Clock:
    """While it is set back, each answer advances it a little, so that runs take realistic time."""

    def __init__(self, stand_in: StandIn) -> None:
        self._traveller: Traveller | None = None
        self._random = Random(1)
        stand_in.on_request(self._take_time)

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        with travel(moment, tick=True) as traveller:
            self._traveller = traveller
            try:
                yield
            finally:
                self._traveller = None

    def _take_time(self, request: Request) -> None:
        if self._traveller:
            self._traveller.shift(timedelta(milliseconds=self._random.randint(150, 900)))
