"""compose.yaml and what lies beside it name only what there is."""

import re
from typing import Any

import pytest
import yaml
from django.urls import resolve

from exports.storage.places import S3Place, StorageKeys, read_place
from tests.deploy.commands import DEPLOY, options_of, settings_read
from tests.deploy.test_image import last

# What a service may say; a word that is spelled wrong would be ignored or refused by Docker.
_WORDS = {
    *("image", "build", "command", "entrypoint", "environment", "volumes", "ports", "tmpfs"),
    *("depends_on", "healthcheck", "deploy", "restart", "read_only", "cap_drop", "security_opt"),
    *("stop_grace_period", "user"),
}
_OTHERS = {
    "bucket": "busybox",
    "database": "postgres",
    "proxy": "caddy",
    "queue": "redis",
    "storage": "versity/versitygw",
}
_VARIABLE = re.compile(r"\$\{(\w+)")


def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document()["services"]
    return found


def ours() -> dict[str, dict[str, Any]]:
    return {name: one for name, one in services().items() if one["image"] == "cwexport"}


def variables_of_example() -> set[str]:
    return set(re.findall(r"^(\w+)=", (DEPLOY / "example.env").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", services())
def test_service_says_only_known_words(name: str) -> None:
    service = services()[name]

    assert set(service) <= _WORDS
    assert set(service.get("depends_on", {})) <= set(services())
    named = [one.split(":")[0] for one in service.get("volumes", [])]
    assert {one for one in named if "/" not in one} <= set(document()["volumes"])
    mounted = [DEPLOY / one for one in named if one.startswith("./")]
    assert [path for path in mounted if not path.exists()] == []


def test_there_are_two_web_servers_and_three_workers() -> None:
    commands = {name: options_of(one["command"]) for name, one in ours().items()}

    assert sorted(commands) == ["web-1", "web-2", "worker"]
    for name in ("web-1", "web-2"):
        assert (commands[name]["bind"], commands[name]["workers"]) == ("0.0.0.0", 0)
        assert str(commands[name]["port"]) == last("EXPOSE")
    assert services()["worker"]["command"] == ["worker"]
    assert services()["worker"]["deploy"]["replicas"] == 3


@pytest.mark.parametrize("name", ours())
def test_our_services_may_write_only_their_data(name: str) -> None:
    service = ours()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [one.split(":")[1] for one in service["volumes"]] == [last("VOLUME")]
    # Longer than what a run and the web server may take to end.
    assert int(service["stop_grace_period"].rstrip("s")) > 10
    assert {*service["environment"]} <= settings_read()


def test_files_go_into_the_bucket_made() -> None:
    environment = document()["x-cwexport"]["environment"]
    storage, bucket = services()["storage"], services()["bucket"]
    keys = StorageKeys(environment["AWS_ACCESS_KEY_ID"], "secret", "", "us-east-1", "")
    place = read_place(environment["CWEXPORT_FILES"], keys)

    assert isinstance(place, S3Place)
    assert place.endpoint == "http://storage:7070"
    assert bucket["command"] == ["mkdir", "-p", f"/data/{place.bucket}"]
    assert bucket["volumes"] == storage["volumes"] == ["storage:/data"]
    assert storage["command"] == ["posix", "/data"]
    for ours, theirs in [
        ("AWS_ACCESS_KEY_ID", "ROOT_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "ROOT_SECRET_KEY"),
    ]:
        assert environment[ours] == storage["environment"][theirs]


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert {name for name, one in services().items() if "ports" in one} == {"proxy"}


def test_images_of_others_have_a_version() -> None:
    images = {name: one["image"] for name, one in services().items() if name not in ours()}

    assert {name: image.split(":")[0] for name, image in images.items()} == _OTHERS
    for image in images.values():
        assert re.search(r":v?\d", image)


def test_every_variable_is_in_the_example() -> None:
    text = (DEPLOY / "compose.yaml").read_text()

    assert set(_VARIABLE.findall(text)) == variables_of_example()
    # Without a value Docker says which is missing; only the time zone has a default.
    assert re.findall(r"\$\{(\w+):-", text) == ["TIME_ZONE"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set()


def test_proxy_leads_to_the_web_servers() -> None:
    text = (DEPLOY / "Caddyfile").read_text()
    [line] = re.findall(r"reverse_proxy (.+) \{", text)
    [path] = re.findall(r"health_uri (\S+)", text)

    assert line.split() == [f"web-{number}:{last('EXPOSE')}" for number in (1, 2)]
    assert resolve(path).url_name == "health"
    assert "{$CWEXPORT_HOST}" in text
    assert "CWEXPORT_HOST" in services()["proxy"]["environment"]
