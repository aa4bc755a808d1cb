"""Destinations in a configuration file: loaded, linked to tasks, dumped (D1, D2, C5)."""

import pytest

from exports import configuration
from exports.configuration.writing import current_configuration
from exports.models import Destination, Task
from tests.conftest import MakeTask, connection, make_task
from tests.demo.stand_in_fixtures import stand_in

__all__ = ["connection", "make_task", "stand_in"]

pytestmark = pytest.mark.django_db

FILE = """
destinations:
  - name: Acme's server
    kind: sftp
    settings:
      host: sftp.example.com
      user: acme
      folder: /in
    secrets_env:
      password: CWEXPORT_KEY_ACME_SFTP
tasks:
  - name: Nightly batches
    export: all
    output_file: batches.xml
    destinations:
      - destination: Export folder
      - destination: Acme's server
        file_name: acme-{run}.xml
        sends_empty: true
"""
KEYS = {"CWEXPORT_KEY_ACME_SFTP": "correct horse battery"}


@pytest.fixture(autouse=True)
def task(make_task: MakeTask) -> Task:
    return make_task()


def load(text: str, environment: dict[str, str] = KEYS) -> list[tuple[str, tuple[str, ...]]]:
    loaded = configuration.load(configuration.read(text.encode()), environment)
    return [(one.kind, one.changes) for one in loaded.outcomes if one.changes or one.is_new]


def problems(text: str, environment: dict[str, str] = KEYS) -> str:
    with pytest.raises(configuration.ConfigurationError) as caught:
        load(text, environment)
    return "\n".join(f"{one.line}: {one.sentence}" for one in caught.value.problems)


@pytest.mark.rule("D2")
def test_file_makes_and_links_destinations(task: Task) -> None:
    load(FILE)

    row = Destination.objects.get(name="Acme's server")
    assert (row.address["host"], row.address["port"]) == ("sftp.example.com", 22)
    assert row.read_secrets()["password"] == "correct horse battery"
    uses = task.task_destinations.order_by("destination__name")
    assert [(use.destination.name, use.name_template, use.sends_empty) for use in uses] == [
        ("Acme's server", "acme-{run}.xml", True),
        ("Export folder", "", False),
    ]
    assert load(FILE) == []


def test_changes_are_named(task: Task) -> None:
    load(FILE)
    changed = FILE.replace("/in", "/out").replace("        sends_empty: true\n", "")

    assert load(changed) == [
        ("destination", ("folder: /in → /out",)),
        (
            "task",
            (
                "destinations: Acme's server acme-{run}.xml empty too, Export folder → "
                "Acme's server acme-{run}.xml, Export folder",
            ),
        ),
    ]


@pytest.mark.rule("C5")
def test_moved_destination_needs_its_secret() -> None:
    load(FILE)
    moved = FILE.replace("sftp.example.com", "elsewhere.example.com")

    assert "Type the secret too" in problems(moved, {})
    load(moved)
    assert Destination.objects.get(kind="sftp").address["host"] == "elsewhere.example.com"


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("kind: sftp", "kind: sfpt", "There is no kind of destination sfpt. Did you mean sftp?"),
        ("user: acme", "usr: acme", "usr is no setting of this kind. Did you mean user?"),
        ("host: sftp.example.com", "host: sftp://x", "the name of the host alone"),
        ("destination: Export folder", "destination: Export", "There is no destination Export."),
        ("acme-{run}.xml", "acme.txt", "must end in .xml"),
        ("CWEXPORT_KEY_ACME_SFTP", "HOME", "is not read"),
    ],
)
def test_wrong_file_changes_nothing(before: str, after: str, sentence: str) -> None:
    assert sentence in problems(FILE.replace(before, after))
    assert not Destination.objects.filter(kind="sftp").exists()


def test_dump_is_loaded_without_change(task: Task) -> None:
    load(FILE)
    dumped = current_configuration()

    assert "correct horse" not in dumped
    variable = "CWEXPORT_KEY_ACME_S_SERVER_PASSWORD"
    assert f"password: {variable}" in dumped
    keys = {variable: "correct horse battery", "CWEXPORT_KEY_STAND_IN": "x" * 20}
    kept = dumped.replace("    private_key_env: CWEXPORT_KEY_STAND_IN\n", "")
    assert load(kept, keys) == []
