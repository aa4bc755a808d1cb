"""A ConnectWise where people work: batches are added and changed while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from threading import Event, Thread

from exports.demo.server import StandIn

EVERY = 20.0  # seconds
_MEMBERS = ("Admin1", "Admin2", "Accounts")
_FLAGS = ("exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")


@contextmanager
def growing(stand_in: StandIn, every: float = EVERY) -> Iterator[None]:
    """Every few seconds somebody closes a batch or two, and now and then edits an old one."""
    over = Event()

    def grow() -> None:
        random = Random()  # noqa: S311 - data that looks natural, no secret
        while not over.wait(every):
            change_batches(stand_in, stand_in.now(), random, added_count=random.randint(1, 2))

    thread = Thread(target=grow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def change_batches(
    stand_in: StandIn, at: datetime, random: Random, *, added_count: int, touched_count: int = 1
) -> None:
    """Add batches, the last one stamped `at`, and edit some of the newest ones before them."""
    for touched in random.sample(stand_in.store.ids[-200:], touched_count):
        stand_in.store.touch(touched, _stamp(at), closedFlag=True)
    for minute in range(added_count, 0, -1):
        stamp = _stamp(at - timedelta(minutes=minute - 1) if added_count > 2 else at)
        stand_in.store.add(
            {
                "id": 0,
                "batchIdentifier": "".join(filter(str.isdigit, stamp)),
                **{flag: random.random() < 0.6 for flag in _FLAGS},
                "_info": {"lastUpdated": stamp, "updatedBy": random.choice(_MEMBERS)},
            }
        )


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
