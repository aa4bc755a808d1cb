"""Faults that the counts of a busy server hide: the checker once found each of them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

import pytest

from exports.demo.answers import LIST
from exports.demo.faults import ClockSkew, Nothing, PageSizeLimit
from exports.demo.records import seed_batches
from exports.demo.switches import Fault
from tests.stress.changes import Changes
from tests.stress.pace import Clock, quick_retries
from tests.stress.sample_installation import SampleInstallation, run_cleanly

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Iterator[Clock]:
    made = Clock()
    with quick_retries():
        yield made
    made.stop()


@pytest.fixture
def make_sample() -> Iterator[Callable[[int], SampleInstallation]]:
    made: list[SampleInstallation] = []

    def make(batch_count: int) -> SampleInstallation:
        made.append(SampleInstallation(seed_batches(batch_count), parallel_requests=4))
        return made[-1]

    yield make
    for sample in made:
        sample.close()


def lost_after(
    sample: SampleInstallation, clock: Clock, fault: Fault, *, page_size: int
) -> list[str]:
    """One run with the fault during many changes, then a clean one; returns the violations."""
    task = sample.add_task("modified", page_size)
    changes = Changes(sample, Random(1))
    sample.during = lambda request: changes.make(12)
    with sample.stand_in.faults.on(fault):
        run_cleanly(task)
    sample.during = None
    changes.commit_all()
    clock.skip(timedelta(hours=2))
    assert run_cleanly(task).status == "succeeded"
    return sample.judge_task(task).findings


@pytest.mark.parametrize("page_number", [2, 9, 20])
def test_mistakenly_empty_page_in_parallel_loses_nothing(
    make_sample: Callable[[int], SampleInstallation], clock: Clock, page_number: int
) -> None:
    fault = Nothing(on=(LIST,), after=page_number, times=1)

    assert lost_after(make_sample(1200), clock, fault, page_size=50) == []


def test_pages_shortened_during_parallel_fetching_lose_nothing(
    make_sample: Callable[[int], SampleInstallation], clock: Clock
) -> None:
    fault = PageSizeLimit(44, after=12)

    assert lost_after(make_sample(1200), clock, fault, page_size=50) == []


@pytest.mark.parametrize("after", [1, 2, 4, 6])
def test_rights_lost_in_the_middle(
    make_sample: Callable[[int], SampleInstallation], clock: Clock, after: int
) -> None:
    assert lost_after(make_sample(200), clock, Nothing(after=after), page_size=50) == []


def test_mistakenly_empty_page_with_fast_clock_loses_nothing(
    make_sample: Callable[[int], SampleInstallation], clock: Clock
) -> None:
    sample = make_sample(60)
    sample.stand_in.faults.add(ClockSkew(550))
    task = sample.add_task("modified", 25)
    run_cleanly(task)
    clock.skip(timedelta(hours=1))
    # All their stamps are ahead of our clock, so no dated count includes them.
    for number in sample.journal.ids:
        sample.journal.touch(number, f"{sample.stand_in.now():%Y-%m-%dT%H:%M:%SZ}")

    with sample.stand_in.faults.on(Nothing(on=(LIST,), after=2, times=1)):
        run_cleanly(task)
    clock.skip(timedelta(hours=1))
    run_cleanly(task)

    assert sample.judge_task(task).findings == []


def test_late_lower_ids_are_not_lost(
    make_sample: Callable[[int], SampleInstallation], clock: Clock
) -> None:
    sample = make_sample(60)
    clock.skip(timedelta())
    task = sample.add_task("new", 25)
    late_id = sample.journal.reserve_id()
    sample.journal.add({"batchIdentifier": "quick"})
    run_cleanly(task)
    clock.skip(timedelta(minutes=10))
    sample.journal.put({"id": late_id, "batchIdentifier": "slow"})
    # The next run is much later; what matters is how late the batch was for the last one.
    clock.skip(timedelta(hours=3))
    run_cleanly(task)

    assert sample.judge_task(task).findings == []
