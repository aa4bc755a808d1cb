"""The manifest: a small JSON file beside each run file, for readers without the database."""

import json
from datetime import datetime
from typing import Any

from exports.models import Run
from exports.number_formats import utc_text
from exports.pipeline.outcome import RunResult
from exports.product import product_version


def manifest(run: Run, outcome: RunResult) -> bytes:
    """The request, the counts, the moved dates and the file's SHA-256.

    UTF-8 JSON, indented by two spaces, with a final newline; all times in UTC. `counted` is
    ConnectWise's own count after the last page, null when it refused to count.
    """
    return f"{json.dumps(_content(run, outcome), indent=2, ensure_ascii=False)}\n".encode()


def _content(run: Run, outcome: RunResult) -> dict[str, Any]:
    return {
        "run": run.pk,
        "attempt": run.attempt,
        "task": {"name": run.task_name, "unique_id": str(run.task.unique_id)},
        "connectwise": {
            "site": run.site,
            "company": run.company,
            "api_version": run.api_version or None,
        },
        "product": {"name": "cwexport", "version": product_version()},
        # Skipped in a re-export: batches that lie in its id ranges without being asked for (R7).
        "reexport": {"of_run": run.reexport_of_id, "ids": run.reexport_ids}
        if run.is_reexport
        else None,
        "export": run.export,
        "conditions": run.conditions,
        "filter_of_first_page": run.request_sent,
        "window": run.window_reason,
        "started": _utc(run.started_at),
        "started_by_connectwise": _utc(run.connectwise_started_at),
        "counts": {
            "expected": run.expected_count,
            "fetched": run.fetched_count,
            "counted": outcome.proven_count,
            "skipped": run.skipped_count,
            "repeated": run.repeated_count,
            "written": outcome.checked.batch_count,
        },
        "date_created": {
            "before": _utc(run.date_created_before),
            "after": _utc(outcome.date_created_after),
        },
        "date_modified": {
            "before": _utc(run.date_modified_before),
            "after": _utc(outcome.date_modified_after),
        },
        "suspicion": outcome.suspicion.message if outcome.suspicion else None,
        "file": {
            "name": outcome.file_name,
            "size": outcome.checked.size,
            "sha256": outcome.checked.sha256,
        },
    }


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
