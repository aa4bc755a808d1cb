"""The benchmark program starts; what it measures is no test."""

from tests.benchmarks.__main__ import parser_of_options


def test_each_option_is_known_once() -> None:
    options = parser_of_options().parse_args(["--queues", "--database", "postgres://x/y"])

    assert (options.queues, options.database) == (True, "postgres://x/y")
