"""The requests that the stand-in received, for tests."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from exports.demo.answers import COUNT, LIST, Request

_LONGEST = 20_000


class RequestLog:
    """The newest 20,000 calls, oldest first, and the highest number in progress at once."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque(maxlen=_LONGEST)
        self._lock = Lock()
        self._current_count = 0
        self.most_at_once_count = 0

    def __iter__(self) -> Iterator[Request]:
        with self._lock:
            return iter(list(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    @property
    def lists(self) -> list[Request]:
        """The requests for a page of batches."""
        return self.of(LIST)

    @property
    def counts(self) -> list[Request]:
        """The requests for the `/count` of batches."""
        return self.of(COUNT)

    def of(self, endpoint: str) -> list[Request]:
        return [request for request in self if request.endpoint == endpoint]

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self.most_at_once_count = self._current_count

    @contextmanager
    def during(self, request: Request) -> Iterator[None]:
        """Record the call; it is in progress until the with block ends."""
        with self._lock:
            self._requests.append(request)
            self._current_count += 1
            self.most_at_once_count = max(self.most_at_once_count, self._current_count)
        try:
            yield
        finally:
            with self._lock:
                self._current_count -= 1
