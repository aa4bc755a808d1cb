"""A first visit loads at most a hundred kilobytes, on every page."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from tests.all_pages import addresses, first_load
from tests.benchmarks.many_runs import seed

MOST = 100_000


@pytest.mark.django_db
def test_no_page_loads_more_than_a_hundred_kilobytes(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    compressed = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": compressed}}
    call_command("collectstatic", "--noinput", "--verbosity=0")
    seed(run_count=400, entry_count=500)
    client = Client()
    client.force_login(User.objects.create(username="reader", is_superuser=True))

    pages = {name: page for name, page in addresses().items() if "CSV" not in name}
    sizes = {name: first_load(client, address) for name, address in pages.items()}
    assert {name: size for name, size in sizes.items() if size > MOST} == {}
    # Bootstrap alone is more than this, so the linked files were found and counted.
    assert min(size for name, size in sizes.items() if "polled" not in name) > 40_000
