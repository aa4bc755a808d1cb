"""The faults of ConnectWise during a history: one at a time, chosen at random."""

from collections.abc import Callable
from random import Random

from exports.demo import wires
from exports.demo.answers import COUNT, LIST
from exports.demo.faults import (
    Body,
    CountOffset,
    Nothing,
    PageSizeLimit,
    Reorder,
    RepeatRows,
    SamePageForever,
    Sending,
    Status,
    no_date_header,
    no_link_header,
)
from exports.demo.switches import Fault


def _burst(random: Random) -> Fault:
    code = random.choice((429, 500, 502, 503, 504))
    return Status(code, retry_after="0", times=random.randint(1, 4), after=random.randint(0, 12))


def _broken_answer(random: Random) -> Fault:
    how = random.choice((wires.reset, wires.cut_body, wires.cut_chunk))
    return Sending(how, times=random.randint(1, 4), after=random.randint(0, 12))


def _strange_body(random: Random) -> Fault:
    content = random.choice((b"null", b"{}", b"", b"<html>Sign in</html>", b"[{}]"))
    times = random.choice((1, 3, None))
    return Body(content, times=times, after=random.randint(0, 12))


FAULTS: tuple[Callable[[Random], Fault], ...] = (
    _burst,
    _broken_answer,
    _strange_body,
    # Every request fails, from some request on.
    lambda random: Status(random.choice((401, 403, 500)), after=random.randint(0, 15)),
    # The rights are lost before or during a run, permanently or briefly.
    lambda random: Nothing(after=random.choice((0, random.randint(1, 15)))),
    lambda random: Nothing(after=random.randint(0, 15), times=random.randint(1, 4)),
    lambda random: Nothing(on=(LIST,), after=random.randint(0, 12), times=random.choice((1, None))),
    lambda random: PageSizeLimit(random.randint(3, 40), after=random.choice((0, 6))),
    lambda random: RepeatRows(random.randint(1, 5)),
    lambda random: CountOffset(random.choice((-3, 5)), on=(COUNT,), after=random.choice((0, 2))),
    lambda random: Status(403, on=(COUNT,)),
    lambda random: SamePageForever(),
    lambda random: Reorder(after=random.randint(0, 8)),
    lambda random: no_date_header(),
    lambda random: no_link_header(),
)
