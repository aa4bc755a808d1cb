"""The README's program and schemathesis, against the real web server and a real worker."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from exports.models import Run, Task
from tests.api.conftest import MakeToken
from tests.api.servers import running_server
from tests.processes import ROOT, worker_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("I1")]


@pytest.fixture
def server(transactional_db: None) -> Iterator[str]:
    with running_server() as address:
        yield address


def test_program_of_readme_works(
    server: str, make_token: MakeToken, task: Task, tmp_path: Path
) -> None:
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    environment = {**os.environ, "CWEXPORT_URL": server, "CWEXPORT_TOKEN": make_token("run")}

    with worker_process():
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    assert done.returncode == 0, done.stderr
    run = Run.objects.get()
    content = (tmp_path / run.file_name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == run.file_sha256
    assert len(program.strip().splitlines()) <= 20


def test_schemathesis_finds_nothing(
    server: str, make_token: MakeToken, task: Task, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    """All its checks over every operation; `--api-examples` makes it look longer."""
    examples = pytestconfig.getoption("--api-examples")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server}/api/v1/openapi.json"),
        *("--header", f"Authorization: Bearer {make_token('admin')}", "--no-color"),
        *("--max-examples", str(examples), "--generation-deterministic"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1800)

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    paths = requests.get(f"{server}/api/v1/openapi.json", timeout=60).json()["paths"]
    assert f"Tested: {sum(map(len, paths.values()))}" in done.stdout


def test_huge_body_is_refused_as_problem(server: str, make_token: MakeToken) -> None:
    headers = {"Authorization": f"Bearer {make_token()}", "Content-Type": "application/json"}
    for length in (100_000, 2_000_000):
        body = b"[" * length
        answer = requests.post(f"{server}/api/v1/tasks/1/runs", body, headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
        assert answer.headers["Content-Type"] == "application/problem+json"
