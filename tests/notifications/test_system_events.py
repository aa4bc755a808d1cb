"""No worker alive and a full disk are told, once, also when nothing else works (N2)."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from exports.demo.server import StandIn
from exports.models import Event, Worker
from exports.notifications.certificates import watch_certificates
from exports.notifications.system_events import watch_disk, watch_workers
from exports.workers.worker_watch import WorkerWatch
from tests.conftest import make_connection, save_task
from tests.demo.certificates import Certificates
from tests.notifications.conftest import hook_channel
from tests.notifications.sinks import WebSink

pytestmark = pytest.mark.django_db

GIGABYTE = 1_000_000_000


def codes() -> list[str]:
    return list(Event.objects.order_by("id").values_list("code", flat=True))


@pytest.mark.rule("N2", "N3")
def test_disk_is_told_once(data_folder: object) -> None:
    data_folder.mkdir(parents=True, exist_ok=True)  # type: ignore[attr-defined]
    for free in (50, 8, 0.5, 0.4, 1.1, 20, 30):
        watch_disk(lambda _folder, free=free: (100 * GIGABYTE, int(free * GIGABYTE)))  # type: ignore[misc]

    assert codes() == ["disk_nearly_full", "disk_ok"]
    event = Event.objects.get(code="disk_nearly_full")
    assert "0.5 %" in str(event.reason)
    assert str(data_folder) in event.subject_name


@pytest.mark.rule("N2")
def test_web_server_tells_of_missing_workers(hook: WebSink) -> None:
    hook_channel(hook.url)
    watch = WorkerWatch(threading.Event(), patience=0)

    watch.look()
    watch.look()

    assert codes() == ["no_worker_alive"]
    assert len(hook.posts) == 1
    Worker.objects.see("a worker", 1)
    watch.look()
    assert codes() == ["no_worker_alive", "worker_back"]


def test_restart_of_workers_is_no_news() -> None:
    watch = WorkerWatch(threading.Event(), patience=600)
    watch.look()
    Worker.objects.see("a worker", 1)
    watch.look()
    Worker.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    watch.look()

    assert codes() == []


def test_living_worker_is_no_news() -> None:
    Worker.objects.see("a worker", 1)

    assert watch_workers()
    assert codes() == []


@pytest.mark.rule("N2")
def test_certificate_that_expires_is_told(
    tls_stand_in: StandIn, certificates: Certificates, settings: Settings
) -> None:
    """The stand-in's certificate is valid for another day."""
    settings.CWEXPORT_CA_FILE = str(certificates.authority)
    save_task(make_connection(tls_stand_in))
    now = timezone.now()

    watch_certificates(now=now)
    watch_certificates(now=now + timedelta(hours=1))
    watch_certificates(now=now + timedelta(days=1))
    assert codes() == ["certificate_expiring"]
    assert "valid until" in str(Event.objects.get().reason)
    watch_certificates(now=now - timedelta(days=30))

    assert codes() == ["certificate_expiring", "certificate_renewed"]


def test_server_without_answer_is_no_news(settings: Settings, tls_stand_in: StandIn) -> None:
    save_task(make_connection(tls_stand_in))

    watch_certificates()

    assert codes() == []
