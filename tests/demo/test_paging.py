from urllib.parse import parse_qs, urlsplit

import pytest

from exports.demo.server import StandIn
from tests.demo.asking import BATCHES, Reply, ask

COUNT = 120


def links(reply: Reply) -> dict[str, int]:
    """The page number of each rel."""
    found = {}
    for part in reply.headers.get("Link", "").split(", "):
        if part:
            url, rel = part.split("; ")
            found[rel] = int(parse_qs(urlsplit(url.strip("<>")).query)["page"][0])
    return found


@pytest.mark.parametrize(
    ("page", "row_count", "expected"),
    [
        (1, 50, {'rel="next"': 2, 'rel="last"': 3}),
        (2, 50, {'rel="next"': 3, 'rel="prev"': 1, 'rel="first"': 1, 'rel="last"': 3}),
        (3, 20, {'rel="prev"': 2, 'rel="first"': 1, 'rel="last"': 3}),
        (4, 0, {'rel="prev"': 3, 'rel="first"': 1, 'rel="last"': 3}),
    ],
)
def test_pages_follow_each_other(
    stand_in: StandIn, page: int, row_count: int, expected: dict[str, int]
) -> None:
    reply = ask(stand_in, page=page, pageSize=50)
    assert reply.ids == stand_in.store.ids[(page - 1) * 50 :][:row_count]
    assert links(reply) == expected


@pytest.mark.parametrize("page_size", [COUNT, COUNT + 1, 1000])
def test_single_page_has_no_link(stand_in: StandIn, page_size: int) -> None:
    reply = ask(stand_in, pageSize=page_size)
    assert (len(reply.json), reply.headers["Link"]) == (COUNT, None)


def test_page_is_clamped_to_1000(stand_in: StandIn) -> None:
    for _ in range(1000):
        stand_in.store.add({})
    assert len(ask(stand_in, pageSize=1000).json) == 1000
    assert len(ask(stand_in, pageSize=5000).json) == 1000


def test_link_repeats_parameters_with_page_last(stand_in: StandIn) -> None:
    conditions = 'batchIdentifier != "a, b&c" and id > 3'
    reply = ask(stand_in, page=1, conditions=conditions, orderBy="id asc", pageSize=2)
    assert reply.headers["Link"] == (
        f"<{stand_in.url}/v4_6_release/apis/3.0{BATCHES}"
        "?conditions=batchIdentifier%20%21%3D%20%22a%2C%20b%26c%22%20and%20id%20%3E%203"
        '&orderBy=id%20asc&pageSize=2&page=2>; rel="next"'
    )


def test_paging_by_id_returns_every_batch_once(stand_in: StandIn) -> None:
    last_id, met = 0, []
    while page := ask(stand_in, conditions=f"id > {last_id}", orderBy="id asc", pageSize=50).ids:
        met += page
        last_id = page[-1]
    assert met == stand_in.store.ids
