"""The image: what its file says, followed by hand as far as that goes without Docker."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import resolve

from exports.reporting.reference import reference_tables
from tests.deploy.commands import DEPLOY, ROOT, options_of, settings_read
from tests.management.installation import free_port, own_environment, wait_until

# A user and a group that own nothing here, as the image's user owns nothing of the program.
_STRANGER = 10_001
# Prints how many rows of README.md and of docs/codes.md Help finds.
_REFERENCE = """
import django; django.setup()
from exports.reporting.reference import reference_tables
print(sum(len(table.rows) for table in reference_tables()))
"""


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its text, in order; lines that go on are joined."""
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in text.splitlines())
        if word
    ]


def last(name: str) -> str:
    """The text of the instruction in the stage that becomes the image."""
    return [rest for word, rest in instructions() if word == name][-1]


def variables() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(last("ENV")))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files that .dockerignore lets into the image, which nobody may write."""
    folder = tmp_path_factory.mktemp("image") / "cwexport"
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    for name in filter(_is_in_image, tracked):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    subprocess.run(["chmod", "-R", "a-w", str(folder)], check=True)
    yield folder
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)


def _is_in_image(name: str) -> bool:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [line[1:] for line in lines if line.startswith("!")]
    return not name.endswith(".po") and any(
        name == one or (one.endswith("/") and name.startswith(one)) for one in kept
    )


def run_in(program: Path, data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A process of the image's program, without the right to write it."""
    data.mkdir(mode=0o700, exist_ok=True)
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=program,
        env=own_environment(data, DJANGO_SETTINGS_MODULE="cwexport.settings", HOME="/nonexistent"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_kept_path_is_there() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if "!" in line]

    assert [name for name in kept if not (ROOT / name).exists()] == []
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


def test_image_runs_as_nobody_in_particular() -> None:
    user = last("USER")
    words = [word for word, _ in instructions()]

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    # Nothing is installed or copied as that user, so it owns none of it.
    assert set(words[words.index("USER") :]) <= {
        *("USER", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD", "HEALTHCHECK")
    }
    assert last("VOLUME") == variables()["CWEXPORT_DATA_DIR"]
    assert f"--mode 0700 {last('VOLUME')}" in last_run_with("useradd")


def last_run_with(part: str) -> str:
    return next(rest for word, rest in instructions() if word == "RUN" and part in rest)


def test_command_is_the_first_process() -> None:
    # The form without a shell, which would keep signals to itself.
    assert json.loads(last("ENTRYPOINT")) == ["python", "manage.py"]
    command = json.loads(last("CMD"))
    options = options_of(command)

    assert command[0] == "serve"
    assert options["bind"] == "0.0.0.0"
    assert str(options["port"]) == last("EXPOSE")


def test_health_check_asks_an_address_that_exists() -> None:
    check = last("HEALTHCHECK")
    program, flag, code = json.loads(check.partition("CMD ")[2])
    [(port, path)] = re.findall(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", code)

    assert (program, flag) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert port == last("EXPOSE")
    assert resolve(path).url_name == "health"


def test_packages_are_those_that_are_pinned() -> None:
    bases = {rest.split(" AS ")[0] for word, rest in instructions() if word == "FROM"}
    [base] = bases

    assert re.fullmatch(r"python:3\.1[123]-slim-\w+", base)
    assert "--require-hashes" in last_run_with("pip install")
    assert set(variables()) - {"PATH", "LC_ALL"} <= settings_read()


def test_program_needs_no_more_than_the_image_has(program: Path, tmp_path: Path) -> None:
    for arguments in (["manage.py", "migrate"], ["manage.py", "collectstatic", "--noinput"]):
        done = run_in(program, tmp_path / "data", *arguments)
        assert done.returncode == 0, done.stderr

    found = run_in(program, tmp_path / "data", "-c", _REFERENCE)
    assert int(found.stdout) == sum(len(table.rows) for table in reference_tables()) > 100


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a process the first one")
def test_first_process_ends_while_its_database_is_silent(tmp_path: Path) -> None:
    """In a container nobody else ends it: signals without a handler are ignored there."""
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as silent, log.open("wb") as output:
        command = ["manage.py", "serve", "--port", str(free_port())]
        url = f"postgres://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
        outer = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", sys.executable, *command],
            cwd=ROOT,
            env=own_environment(tmp_path / "data", DATABASE_URL=url),
            stdout=output,
            stderr=output,
        )
        with outer:
            asking, _ = silent.accept()
            with asking:
                children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
                os.kill(int(children.read_text()), signal.SIGTERM)
                wait_until(lambda: outer.poll() is not None)

    assert outer.returncode == 128 + signal.SIGTERM, log.read_text()
    assert "Traceback" not in log.read_text()
