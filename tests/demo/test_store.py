from decimal import Decimal
from threading import Thread

import pytest

from exports.demo.comparisons import Condition, both
from exports.demo.conditions import parse_conditions
from exports.demo.rows import Row
from exports.demo.store import Store


def _store() -> Store:
    return Store(
        [
            {"id": 5, "batchIdentifier": "b", "closedFlag": None},
            {"id": 2, "batchIdentifier": "a", "_info": {"lastUpdated": "2020-01-01T00:00:00Z"}},
            {"id": 9},
        ]
    )


def test_records_are_kept_by_id_without_nulls() -> None:
    assert _store().records == [
        {"id": 2, "batchIdentifier": "a", "_info": {"lastUpdated": "2020-01-01T00:00:00Z"}},
        {"id": 5, "batchIdentifier": "b"},
        {"id": 9},
    ]


def test_batches_come_change_and_go() -> None:
    store = _store()
    store.put({"id": 4, "batchIdentifier": "new"})
    store.put({"id": 5, "batchIdentifier": "replaced"})
    store.touch(2, "2020-02-02T00:00:00Z", closedFlag=True)
    store.touch(9, "2020-03-03T00:00:00Z")
    store.delete(4)
    assert store.add({"batchIdentifier": "newest"}) == 10
    assert store.records == [
        {
            "id": 2,
            "batchIdentifier": "a",
            "_info": {"lastUpdated": "2020-02-02T00:00:00Z"},
            "closedFlag": True,
        },
        {"id": 5, "batchIdentifier": "replaced"},
        {"id": 9, "_info": {"lastUpdated": "2020-03-03T00:00:00Z"}},
        {"id": 10, "batchIdentifier": "newest"},
    ]
    with pytest.raises(KeyError):
        store.delete(4)


def test_a_deleted_highest_id_is_not_given_again() -> None:
    store = _store()
    store.delete(store.add({}))
    assert store.add({}) == 11


def test_an_empty_store_answers_and_grows() -> None:
    store = _store()
    store.clear()
    assert (store.ids, store.select(), store.count()) == ([], [], 0)
    assert Store().add({}) == 1


def test_a_change_is_seen_by_conditions_at_once() -> None:
    store = _store()
    condition = parse_conditions('batchIdentifier = "b"')
    assert store.count(condition) == 1
    store.touch(5, "2020-02-02T00:00:00Z", batchIdentifier="c")
    assert store.count(condition) == 0


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([("id", False)], [2, 5, 9]),
        ([("id", True)], [9, 5, 2]),
        ([("batchidentifier", False)], [9, 2, 5]),
        ([("batchidentifier", True)], [5, 2, 9]),
        ([("closedflag", False), ("id", True)], [9, 5, 2]),
    ],
)
def test_rows_come_in_the_order_asked_for(
    order: list[tuple[str, bool]], expected: list[int]
) -> None:
    assert [row.id for row in _store().select(order=order)] == expected


def test_keyset_reads_only_returned_rows() -> None:
    store = Store({"id": id} for id in range(1, 1001))
    looked_at: list[int] = []

    def without_flag(row: Row) -> bool:
        looked_at.append(row.id)
        return row.value("closedflag") is None

    condition = both([Condition(without_flag), parse_conditions("id > 500 and id < 900")])
    assert [row.id for row in store.select(condition, offset=2, limit=3)] == [503, 504, 505]
    assert looked_at == [501, 502, 503, 504, 505]
    assert store.count(condition) == 399


def test_raw_json_is_sent_unchanged() -> None:
    store = Store()
    bodies = [
        b'{"id":1,"x":1000.000000}',
        b'{"id":2,"x":NaN}',
        b'{"id":3,"x":' + b"9" * 5000 + b"}",
    ]
    for id, body in enumerate([*bodies, b"[" * 5000 + b"]" * 5000], start=1):
        store.put_row(Row(id, body))
    assert [row.body for row in store.select()][:3] == bodies
    assert store.count(parse_conditions("x = 1000")) == 1
    assert store.get(1)["x"].as_tuple() == Decimal("1000.000000").as_tuple()


def test_lone_surrogate_is_sent_escaped() -> None:
    assert Row.of({"id": 1, "x": "Zoë"}).body == '{"id":1,"x":"Zoë"}'.encode()
    assert Row.of({"id": 1, "x": "\ud800"}).body == b'{"id":1,"x":"\\ud800"}'


def test_threads_may_change_it_while_others_read() -> None:
    store = Store({"id": id} for id in range(1, 201))

    def change(first: int) -> None:
        for id in range(first, 201, 2):
            store.touch(id, "2020-01-01T00:00:00Z")
            store.delete(id)
            store.add({})

    threads = [Thread(target=change, args=(first,)) for first in (1, 2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen = [row.id for row in store.select()]
        assert seen == sorted(set(seen))
    assert store.ids == list(range(201, 401))
