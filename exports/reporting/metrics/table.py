"""Every metric: its name, what it is, and the labels that tell its series apart."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class MetricRow:
    """`kind` is Prometheus': a counter only grows, a summary has a sum and a count."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


_TASK: Final = ("task",)
_RESULT: Final = ("task", "result")

METRICS: Final = (
    MetricRow("cwexport_build_info", "gauge", ("version", "python", "django", "database"),
              "Always 1; the labels say what runs."),
    MetricRow("cwexport_runs_total", "counter", _RESULT,
              "Runs that ended, by result."),
    MetricRow("cwexport_run_duration_seconds", "summary", _RESULT,
              "How long ended runs took from their start."),
    MetricRow("cwexport_batches_total", "counter", _TASK,
              "Batches in the files of successful runs."),
    MetricRow("cwexport_task_enabled", "gauge", _TASK,
              "1 for an enabled task, else 0."),
    MetricRow("cwexport_task_failing", "gauge", _TASK,
              "1 when a failure is newer than the last success, else 0."),
    MetricRow("cwexport_task_last_success_timestamp_seconds", "gauge", _TASK,
              "When the task last succeeded, in seconds since 1970."),
    MetricRow("cwexport_task_last_success_age_seconds", "gauge", _TASK,
              "How long ago that was."),
    MetricRow("cwexport_queue_length", "gauge", (),
              "Runs that wait for a worker."),
    MetricRow("cwexport_queue_oldest_seconds", "gauge", (),
              "How long the oldest of them has waited; 0 without any."),
    MetricRow("cwexport_queue_reachable", "gauge", (),
              "1 when the queue's engine answers this web server, else 0."),
    MetricRow("cwexport_runs_running", "gauge", (),
              "Runs that a worker executes now."),
    MetricRow("cwexport_workflow_runs_active", "gauge", (),
              "Workflow runs that are queued or running."),
    MetricRow("cwexport_workers_alive", "gauge", (),
              "Workers that gave a sign of life within 30 seconds, on all hosts."),
    MetricRow("cwexport_deliveries", "gauge", ("state",),
              "Deliveries in the history, by state."),
    MetricRow("cwexport_deliveries_oldest_waiting_seconds", "gauge", (),
              "How long the oldest open delivery has waited; 0 without any."),
    MetricRow("cwexport_messages", "gauge", ("state",),
              "Messages in the history, by state."),
    MetricRow("cwexport_messages_oldest_waiting_seconds", "gauge", (),
              "How long the oldest open message has waited; 0 without any."),
    MetricRow("cwexport_schedules", "gauge", ("state",),
              "Schedules, active and paused."),
    MetricRow("cwexport_schedules_missed", "gauge", (),
              "Schedules whose grace passed without a success."),
    MetricRow("cwexport_due_times_last_day", "gauge", ("state",),
              "Due times of the last 24 hours, by what became of them."),
    MetricRow("cwexport_connections_refused", "gauge", (),
              "Connections whose keys ConnectWise refuses."),
    MetricRow("cwexport_files", "gauge", (),
              "Files of runs that are kept."),
    MetricRow("cwexport_files_bytes", "gauge", (),
              "Their size."),
    MetricRow("cwexport_database_bytes", "gauge", (),
              "Size of the database."),
    MetricRow("cwexport_database_free_bytes", "gauge", (),
              "Free pages in SQLite's file, which new rows will use."),
    MetricRow("cwexport_disk_free_bytes", "gauge", ("folder",),
              "Free on the disk of a folder."),
    MetricRow("cwexport_disk_used_bytes", "gauge", ("folder",),
              "Used on that disk, by whatever."),
    MetricRow("cwexport_disk_total_bytes", "gauge", ("folder",),
              "Size of that disk."),
)  # fmt: skip
BY_NAME: Final = {row.name: row for row in METRICS}
