"""The manifest beside the file agrees with the history (P3)."""

import hashlib
import json

import pytest

from exports.storage import files
from tests.conftest import MakeTask, run_now
from tests.run_files import manifest_file

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_manifest_holds_request_counts_dates_and_hash(make_task: MakeTask) -> None:
    task = make_task(export="modified")
    task.conditions.create(position=0, field="id", comparison="LessThan", value="400")
    run = run_now(task)
    content = manifest_file(run).read_bytes()
    assert run.manifest_sha256 == hashlib.sha256(content).hexdigest()
    proof = json.loads(content)

    started = f"{run.connectwise_started_at:%Y-%m-%dT%H:%M:%SZ}"
    assert proof["conditions"] == "id < 400"
    assert proof["filter_of_first_page"] == run.request_sent
    assert proof["counts"] == {
        "expected": run.batch_count,
        "fetched": run.batch_count,
        "counted": run.batch_count,
        "skipped": 0,
        "repeated": 0,
        "written": run.batch_count,
    }
    assert proof["date_modified"] == {"before": "1970-01-01T00:00:00Z", "after": started}
    assert proof["file"] == {
        "name": "batches.xml",
        "size": run.file_size,
        "sha256": run.file_sha256,
    }
    assert proof["connectwise"]["api_version"] == run.api_version != ""
    assert "pK" not in json.dumps(proof)


def test_a_failed_run_leaves_no_manifest(make_task: MakeTask) -> None:
    task = make_task()
    task.connection.write_private_key("wrong")
    task.connection.save()
    run = run_now(task)

    assert run.status == "failed"
    assert list(files.part_file(run).parent.iterdir()) == []
