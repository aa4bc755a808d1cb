"""A kind of destination is one module: form, test, delivery and pages find it by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from exports import kind_modules
from exports.delivery import kinds
from exports.delivery.sending import send_due
from exports.models import Destination, Task
from tests.delivery.deliveries import delivery_of
from tests.delivery.destinations import content_of, deliver_only_to, execute
from tests.screen_fixtures import signed_in, user

__all__ = ["signed_in", "user"]

pytestmark = pytest.mark.django_db(transaction=True)

PIGEON = """
from exports.delivery.kind import DestinationKind, Receipt, Session, TestStep
from exports.kind_modules import FormField

carried = {}


class Pigeon(DestinationKind):
    code = "pigeon"
    label = "Carrier pigeon"
    lead = "A bird that takes one file."
    fields = (
        FormField("loft", "Loft", is_bound=True),
        FormField("whistle", "Whistle", is_secret=True),
    )

    def where(self, address):
        return f"pigeon://{address['loft']}"

    def session(self, target, checkpoint, is_over):
        return Flight(target)


class Flight(Session):
    def __init__(self, target):
        self.target = target

    def steps(self):
        return (TestStep("Whistle", lambda: f"It came from {self.target.address['loft']}."),)

    def put(self, parcel):
        with parcel.open() as source:
            carried[parcel.file_name] = b"".join(source)
        return Receipt("pigeon://roof", "size")

    def close(self):
        pass


KIND = Pigeon()
"""


@pytest.fixture
def pigeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "pigeon_for_tests.py").write_text(PIGEON)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path / "kinds")])
    yield
    kind_modules._kinds_in.cache_clear()


@pytest.mark.rule("D1")
@pytest.mark.usefixtures("pigeon")
def test_own_kind_needs_one_module(signed_in: Client, task: Task) -> None:
    choice = signed_in.get(reverse("destination-create")).content.decode()
    assert "Carrier pigeon" in choice
    typed = {"name": "Gerda", "loft": "roof", "whistle": "three-short-notes", "test": "yes"}
    address = f"{reverse('destination-create')}?kind=pigeon"
    page = signed_in.post(address, typed, follow=True).content.decode()
    assert "It came from roof." in page
    assert "three-short-notes" not in page

    destination = Destination.objects.get(kind="pigeon")
    deliver_only_to(destination, task)
    run = execute(task)
    send_due()
    carried = __import__("exports.delivery.kinds.pigeon_for_tests", fromlist=["carried"]).carried
    assert carried == {"batches.xml": content_of(run)}
    assert (delivery_of(run).state, delivery_of(run).location) == ("delivered", "pigeon://roof")
    assert "pigeon://roof" in signed_in.get(reverse("destination-list")).content.decode()


def test_unknown_kind_waits_for_its_version(task: Task) -> None:
    destination = Destination.objects.create(name="Old", kind="telegraph")
    deliver_only_to(destination, task)
    run = execute(task)
    send_due()

    assert delivery_of(run).error_code == "delivery.kind_unknown"
