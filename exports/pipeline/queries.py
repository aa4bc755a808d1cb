"""Questions to ConnectWise that may be out side by side; each gives a promise of its answer."""

from collections.abc import Callable
from functools import cache
from typing import Protocol, TypeVar

from exports.connectwise.http.client import ConnectWiseClient, Page

_T = TypeVar("_T")


class Asking(Protocol):
    """Takes a question at once; the promise waits for the answer and raises what went wrong."""

    def ask(self, question: Callable[[ConnectWiseClient], _T]) -> Callable[[], _T]: ...


class OneByOne:
    """Puts each question to the same client, when its answer is wanted and not before."""

    def __init__(self, client: ConnectWiseClient) -> None:
        self._client = client

    def ask(self, question: Callable[[ConnectWiseClient], _T]) -> Callable[[], _T]:
        return cache(lambda: question(self._client))


def ask_newest(asking: Asking, text: str) -> Callable[[], Page]:
    """The batch with the highest id of those that meet the filter."""
    return asking.ask(lambda client: client.batches(text, page_size=1, order_by="id desc"))


def ask_page(asking: Asking, text: str, page_size: int) -> Callable[[], Page]:
    """The first batches by id of those that meet the filter."""
    return asking.ask(lambda client: client.batches(text, page_size=page_size))


def ask_count(asking: Asking, text: str) -> Callable[[], int]:
    """How many batches meet the filter."""
    return asking.ask(lambda client: client.batch_count(text))
