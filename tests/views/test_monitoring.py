"""What monitoring may ask: who is let in, and what strangers learn."""

import json
from ipaddress import ip_network

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from exports.models import Worker

pytestmark = [pytest.mark.django_db, pytest.mark.rule("I3")]
TOKEN = "k3Yr0fT9-metrics-4711"


@pytest.fixture
def on(settings: Settings) -> None:
    settings.CWEXPORT_METRICS = True
    settings.CWEXPORT_METRICS_TOKEN = TOKEN


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_health_asks_no_database(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_monitors_may_ask_any_host(client: Client, path: str) -> None:
    assert client.get(path, headers={"host": "10.1.2.3:8000"}).status_code != 400
    assert client.post(path).status_code == 405
    assert client.get(path).headers["Cache-Control"] == "no-store, private"


def test_readiness_names_what_failed(client: Client) -> None:
    answer = client.get("/readyz")
    checks = {"database": "ok", "migrations": "ok", "worker": "failed", "queue": "ok"}

    assert answer.status_code == 503
    assert json.loads(answer.content) == {"ready": False, "checks": checks}

    Worker.objects.see("one", 1)
    assert client.get("/readyz").status_code == 200

    MigrationRecorder(connection).record_unapplied("exports", "0028_message_indexes")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {**checks, "worker": "ok", "migrations": "failed"}


def test_metrics_are_off_by_default(client: Client) -> None:
    assert client.get("/metrics", headers=bearer("")).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (bearer(TOKEN), 200),
        (bearer(TOKEN[:-1]), 401),
        (bearer(""), 401),
        (bearer("\xff"), 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"bearer  {TOKEN} "}, 200),
    ],
)
def test_metrics_want_the_token(
    client: Client, on: None, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/metrics", headers=headers)

    assert answer.status_code == status
    assert ("cwexport_build_info" in answer.content.decode()) is (status == 200)
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


@pytest.mark.parametrize(
    ("address", "status"),
    [("10.1.2.3", 200), ("10.2.0.1", 403), ("2001:db8::7", 200), ("2001:db8::8", 403), ("", 403)],
)
def test_metrics_want_the_network(
    client: Client, on: None, settings: Settings, address: str, status: int
) -> None:
    settings.CWEXPORT_METRICS_NETWORKS = [ip_network("10.1.0.0/16"), ip_network("2001:db8::7/128")]
    answer = client.get("/metrics", headers=bearer(TOKEN), REMOTE_ADDR=address)

    assert answer.status_code == status
    settings.CWEXPORT_METRICS_TOKEN = ""
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == status
