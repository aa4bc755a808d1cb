"""The base class of faults, and the set of those switched on. The kinds are in `faults.py`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from exports.demo.answers import BATCHES, Answer, Request
from exports.demo.wires import Sender, Wire


@dataclass(kw_only=True)
class Fault:
    """A fault in calls to the endpoints `on`, or in those of them that `when` accepts.

    It skips the first `after` of those and then affects `times` calls (None: all).
    """

    on: tuple[str, ...] = BATCHES
    when: Callable[[Request], bool] | None = None
    after: int = 0
    times: int | None = None
    seen_count: int = field(default=0, init=False)
    struck_count: int = field(default=0, init=False)

    def before(self, wire: Wire) -> None:
        """Do something before the request is handled."""

    def ask(self, request: Request) -> Request:
        """The request to answer instead."""
        return request

    def change(self, answer: Answer) -> None:
        """Make the answer wrong, in place."""

    def sender(self) -> Sender | None:
        """How the answer is sent, if not normally."""
        return None

    def strikes(self, request: Request) -> bool:
        """Whether this call is affected; counts it."""
        if request.endpoint not in self.on or (self.when and not self.when(request)):
            return False
        self.seen_count += 1
        spent = self.times is not None and self.struck_count >= self.times
        if spent or self.seen_count <= self.after:
            return False
        self.struck_count += 1
        return True


AnyFault = TypeVar("AnyFault", bound=Fault)


class Faults:
    """The faults switched on, applied in the order they were added. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()

    def add(self, fault: AnyFault) -> AnyFault:
        """Switch it on until it is removed."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        with self._lock:
            # By identity, as two faults of one kind that affected the same calls are equal.
            self._faults = [other for other in self._faults if other is not fault]

    def clear(self) -> None:
        with self._lock:
            self._faults = []

    @contextmanager
    def on(self, fault: AnyFault) -> Iterator[AnyFault]:
        """Switch it on for the length of a with block."""
        self.add(fault)
        try:
            yield fault
        finally:
            self.remove(fault)

    def striking(self, request: Request) -> list[Fault]:
        """The faults that affect this call."""
        with self._lock:
            return [fault for fault in self._faults if fault.strikes(request)]

    def of_kind(self, kind: type[AnyFault]) -> list[AnyFault]:
        with self._lock:
            return [fault for fault in self._faults if isinstance(fault, kind)]
