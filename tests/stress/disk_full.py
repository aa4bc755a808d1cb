"""`python -m tests.stress.disk_full FOLDER`: a disk that fills up and gets space again.

FOLDER becomes a file system of 24 MB that holds both database and files, which needs the right to
mount. A real worker stays alive all the time. Prints one line of JSON: the result of each run.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.stress import django_setup as installation

_DISK = 24 << 20
# Enough for the database to record what happened, too little for the file.
_LEFT_FREE = 700 << 10
NOT_PERMITTED = 77


def main(folder: Path) -> int:
    """Returns 0 when all is well, 1 when not, NOT_PERMITTED without the right to mount."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return NOT_PERMITTED
    try:
        installation.set_up(folder)
        params = _fill_and_empty(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    print(json.dumps(params))
    return int(params["statuses"] != ["failed", "succeeded"] or params["violations"] != 0)


def _fill_and_empty(folder: Path) -> dict[str, object]:
    from django.db import connection

    from exports.demo.records import seed_batches
    from exports.models import Run, Task
    from tests.stress.kill_points import wait_until
    from tests.stress.sample_installation import (
        SampleInstallation,
        kill,
        queue,
        recover,
        run_cleanly,
        start_process,
    )

    sample = SampleInstallation(seed_batches(8000))
    task = sample.add_task("modified", 1000)
    worker = start_process("manage.py", "worker", log=folder.parent / "disk_full.log")
    filler = folder / "filler"
    runs: list[Run] = []

    def run_by_the_worker() -> None:
        run = queue(task)
        wait_until(lambda: not Run.objects.get(pk=run.pk).is_active, seconds=90)
        runs.append(Run.objects.get(pk=run.pk))

    try:
        wait_until(_is_worker_seen, seconds=30)
        _fill(filler)
        run_by_the_worker()
        dates = Task.objects.get(pk=task.pk).date_modified
        filler.unlink()
        run_by_the_worker()
        alive = worker.poll() is None
    finally:
        kill(worker)
    moved_by_failure = dates != runs[0].date_modified_before
    # The worker may have been killed during the delivery, which follows the success.
    recover(runs[-1])
    run_cleanly(task)
    verdict = sample.judge_all()
    sample.close()
    connection.close()
    return {
        "statuses": [run.status for run in runs],
        "reason": runs[0].error,
        "violations": verdict.violation_count + moved_by_failure + (not alive),
        "findings": verdict.findings[:5],
    }


def _is_worker_seen() -> bool:
    from exports.models import Worker

    return Worker.objects.exists()


def _fill(filler: Path) -> None:
    """Use up all but a little space."""
    free = shutil.disk_usage(filler.parent).free
    filler.write_bytes(b"\0" * (free - _LEFT_FREE))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
