"""The values as Prometheus reads them."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from exports.reporting.metrics.table import METRICS
from exports.reporting.metrics.values import Value, read_values

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class RowCollector(Collector):
    """Reads the rows when it is asked: nothing is kept in a process, so all see the same."""

    def collect(self) -> Iterable[Metric]:
        """Raises DatabaseError."""
        values: dict[str, list[Value]] = {row.name: [] for row in METRICS}
        for value in read_values():
            values[value.name].append(value)
        for row in METRICS:
            metric = Metric(row.name.removesuffix("_total"), row.meaning, row.kind)
            for value in values[row.name]:
                metric.add_sample(row.name + value.part, value.labels, float(value.value))
            yield metric


def metrics_text() -> bytes:
    """Raises DatabaseError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RowCollector())
    return generate_latest(registry)
