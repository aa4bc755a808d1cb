"""The stand-in ConnectWise in its own process, so that it shares no interpreter lock.

It prints one JSON line, `{"url": …}`, and then answers each line of its standard input: `pages
PAGE_SIZE` with the ends of all pages, `take` with the number of pages requested since the last
`take`; `bomb` switches the gzip bomb on; `touch COUNT` changes the first and the last COUNT
batches. It ends when its input ends.
"""

import argparse
import json
import sys
from datetime import UTC, datetime

from exports.demo.answers import LIST, Request
from exports.demo.conditions import parse_conditions
from exports.demo.faults import GzipBomb
from exports.demo.records import stream_batches
from exports.demo.server import StandIn
from exports.demo.store import Store


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--spread", type=int, default=1, help="the factor between their ids")
    options = parser.parse_args()
    batches = stream_batches(options.batches)
    store = Store({**batch, "id": batch["id"] * options.spread} for batch in batches)
    with StandIn(store, latency=options.latency, tls=options.tls) as stand_in:
        # Values computed once for each row must not slow down the first run.
        store.count(parse_conditions("lastUpdated > [1970-01-01T00:00:00Z]"))
        _say({"url": stand_in.url})
        for line in sys.stdin:
            _say(_obeyed(line.split(), stand_in))


def _obeyed(order: list[str], stand_in: StandIn) -> object:
    if order[0] == "pages":
        return _page_ends(stand_in.store.ids, int(order[1]))
    if order[0] == "take":
        request_count = sum(map(_is_page, stand_in.requests))
        stand_in.requests.clear()
        return request_count
    if order[0] == "touch":
        ids, count = stand_in.store.ids, int(order[1])
        for batch_id in (*ids[:count], *ids[-count:]):
            stand_in.store.touch(batch_id, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        return {}
    stand_in.faults.add(GzipBomb(when=_is_page))
    return {}


def _is_page(request: Request) -> bool:
    """Whether this requests a page, and not the highest id."""
    return request.endpoint == LIST and request.query.get("orderBy") == "id asc"


def _page_ends(ids: list[int], page_size: int) -> list[int]:
    ends = ids[page_size - 1 :: page_size]
    return ends if ends and ends[-1] == ids[-1] else [*ends, ids[-1]]


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
