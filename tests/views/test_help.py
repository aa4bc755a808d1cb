"""Help: each page leads to its place there, and the reference holds everything there is."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from exports.access.roles import Role
from exports.models import AuditAction, Run, Task
from exports.models.codes import EventCode
from exports.reporting import reference
from exports.reporting.metrics.table import METRICS
from exports.templatetags.navigation import HELP_PLACES, OWN_PAGES, SECTIONS, help_url
from tests.access.test_refusals import client_of
from tests.screen_fixtures import fail

pytestmark = pytest.mark.rule("U1")

ROOT = Path(__file__).parents[2]
PAGES = [page for section in SECTIONS for page in section.pages]
NAMES = re.compile(r"^\| `([\w.]+)` \|", re.MULTILINE)


def shown(client: Client, url_name: str) -> str:
    return client.get(reverse(url_name)).content.decode()


def anchors(text: str) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', text))


def test_every_page_has_its_place_in_help(signed_in: Client) -> None:
    places = {help_url(name) for name in (*(page.url_name for page in PAGES), *HELP_PLACES)}
    places.add(help_url(OWN_PAGES.url_name))
    found = {
        f"{reverse(name)}#{anchor}" if anchor else reverse(name)
        for name in ("help", "help-operators", "help-reference")
        for anchor in ("", *anchors(shown(signed_in, name)))
    }

    assert places - found == set()
    # Only the pages of Help lead to no section of it.
    assert sum("#" not in place for place in places) == 3


def test_contents_and_texts_lead_to_sections(signed_in: Client) -> None:
    for name in ("help", "help-operators", "help-reference"):
        text = shown(signed_in, name)
        wanted = set(re.findall(r'href="#([^"]+)"', text))
        assert wanted - anchors(text) == set()
        assert len(wanted) > 10


def test_the_word_help_leads_to_that_place(signed_in: Client) -> None:
    assert f'href="{reverse("help")}#ledger"' in shown(signed_in, "ledger")
    assert f'href="{reverse("help")}#own-login"' in shown(signed_in, "account")
    assert f'href="{reverse("help-operators")}#users"' in shown(signed_in, "user-list")
    assert f'href="{reverse("help-operators")}#tokens"' in shown(signed_in, "api:docs")


def test_reference_holds_everything_that_is_documented(signed_in: Client) -> None:
    text = shown(signed_in, "help-reference")
    listed = set(re.findall(r'<td class="name"><code>([^<]+)</code>', text))
    settings_table = (ROOT / "README.md").read_text().split("\n## Settings\n")[1].split("\n## ")[0]
    documented = {
        *NAMES.findall(settings_table),
        *NAMES.findall((ROOT / "docs/codes.md").read_text()),
    }

    assert listed == {
        *documented,
        *EventCode.values,
        *AuditAction.values,
        *(row.name for row in METRICS),
    }


def test_failed_run_leads_to_its_code(signed_in: Client, task: Task) -> None:
    codes = (ROOT / "docs/codes.md").read_text().split("## Why a run failed\n")[1].split("\n## ")[0]
    places = anchors(shown(signed_in, "help-reference"))
    run = fail(task)
    for code in NAMES.findall(codes):
        Run.objects.filter(pk=run.pk).update(error_code=code)
        page = signed_in.get(reverse("run-detail", args=[run.pk])).content.decode()
        (place,) = re.findall(rf'href="{reverse("help-reference")}#([^"]+)"><code>', page)
        assert place in places
        assert place.endswith(code)


def test_reference_shows_no_value_of_this_installation(
    signed_in: Client, settings: Settings
) -> None:
    settings.CWEXPORT_METRICS_TOKEN = "a-token-of-this-installation"
    text = shown(signed_in, "help-reference")

    assert "a-token-of-this-installation" not in text
    assert settings.SECRET_KEY not in text
    assert str(settings.CWEXPORT_DATA_DIR) not in text


def test_reference_without_documents_names_them(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reference, "_ROOT", tmp_path)
    reference._document.cache_clear()
    text = shown(signed_in, "help-reference")
    reference._document.cache_clear()

    assert "These stand in README.md" in text
    assert "These stand in docs/codes.md" in text
    assert "cwexport_runs_total" in text


@pytest.mark.django_db
def test_help_offers_only_pages_one_may_open() -> None:
    assert reverse("user-list") not in shown(client_of(Role.VIEWER), "help-operators")
