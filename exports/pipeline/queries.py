"""Queries that may run in parallel; each returns a future."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

from exports.connectwise.http.client import ConnectWiseClient, Page

_T = TypeVar("_T")


class Submitter(Protocol):
    """Runs queries and returns futures: a ClientPool or a SerialSubmitter."""

    def submit(self, query: Callable[[ConnectWiseClient], _T]) -> "Future[_T]": ...


class SerialSubmitter:
    """Runs each query with the same client, only when its result is requested."""

    def __init__(self, client: ConnectWiseClient) -> None:
        self._client = client

    def submit(self, query: Callable[[ConnectWiseClient], _T]) -> "Future[_T]":
        return _LazyFuture(lambda: query(self._client))


class _LazyFuture(Future[_T], Generic[_T]):
    def __init__(self, query: Callable[[], _T]) -> None:
        super().__init__()
        self._query = query

    def result(self, timeout: float | None = None) -> _T:
        if not self.done():
            try:
                self.set_result(self._query())
            except Exception as error:
                self.set_exception(error)
        return super().result(timeout)


def submit_newest(submitter: Submitter, text: str) -> "Future[Page]":
    """The batch with the highest id of those that meet the filter."""
    return submitter.submit(lambda client: client.batches(text, page_size=1, order_by="id desc"))


def submit_page(submitter: Submitter, text: str, page_size: int) -> "Future[Page]":
    """The first batches by id of those that meet the filter."""
    return submitter.submit(lambda client: client.batches(text, page_size=page_size))


def submit_count(submitter: Submitter, text: str) -> "Future[int]":
    """How many batches meet the filter."""
    return submitter.submit(lambda client: client.batch_count(text))
