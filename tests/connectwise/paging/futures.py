"""Futures for answers that already exist."""

from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


def completed(result: _T) -> "Future[_T]":
    future = Future[_T]()
    future.set_result(result)
    return future
