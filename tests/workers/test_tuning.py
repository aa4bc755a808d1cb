"""What a worker sets once for its whole process."""

import subprocess
import sys

_SCRIPT = """
import gc, sys
from exports.workers.tuning import tune_process
tune_process()
print(gc.get_freeze_count() > 0, sys.getswitchinterval() < 0.005, gc.get_threshold()[0] > 700)
"""


def test_worker_process_is_tuned_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["True"] * 3
