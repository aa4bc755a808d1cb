"""Two web servers on one database: a sign-on that is begun at one ends at the other."""

import re
import secrets
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet

from tests.management.installation import (
    database_url,
    free_port,
    install,
    is_listening,
    serve_process,
    wait_until,
)
from tests.sign_in.providers import CLIENT_ID, real_provider

pytestmark = pytest.mark.rule("A3")
BUTTON = "/login/single-sign-on/"


def test_sign_on_comes_back_to_another_process(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    install(tmp_path / "a")
    with real_provider() as issuer:
        shared = _settings(issuer, database_url(tmp_path / "a"), first)
        with (
            serve_process(tmp_path / "a", tmp_path / "a.log", "--port", str(first), **shared),
            serve_process(tmp_path / "b", tmp_path / "b.log", "--port", str(second), **shared),
        ):
            wait_until(lambda: is_listening(first) and is_listening(second))
            here, other = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{second}"
            browser = requests.Session()

            answer = browser.get(_way_back(browser, here).replace(here, other), timeout=300)

            assert answer.status_code == 200, answer.text[-2_000:]
            for address in (here, other):
                assert browser.get(f"{address}/account/", timeout=300).status_code == 200
            # The session is the same row for both, also when it ends.
            [token] = _tokens(browser.get(f"{other}/account/", timeout=300).text)
            browser.post(f"{other}/logout/", {"csrfmiddlewaretoken": token}, timeout=300)
            gone = browser.get(f"{here}/account/", timeout=300, allow_redirects=False)
            assert gone.status_code == 302


def _settings(issuer: str, database: str, port: int) -> dict[str, str]:
    return {
        "DATABASE_URL": database,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "CWEXPORT_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "CWEXPORT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CWEXPORT_ALLOW_HTTP": "true",
        "CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CWEXPORT_OIDC_ISSUER": issuer,
        "CWEXPORT_OIDC_CLIENT_ID": CLIENT_ID,
        "CWEXPORT_OIDC_CLIENT_SECRET": "a secret of the test",
        "CWEXPORT_OIDC_ROLES": "viewer=viewers",
    }


def _way_back(browser: requests.Session, address: str) -> str:
    """Begin at `address`, log in at the provider: where that sends the browser."""
    [token] = _tokens(browser.get(f"{address}/login/", timeout=300).text)
    begun = browser.post(
        f"{address}{BUTTON}",
        {"csrfmiddlewaretoken": token},
        headers={"Referer": f"{address}/login/"},
        allow_redirects=False,
        timeout=300,
    )
    there = _provider_address(begun)
    back = requests.post(there, {"sub": "anna"}, allow_redirects=False, timeout=300)
    return str(back.headers["Location"])


def _provider_address(begun: requests.Response) -> str:
    """In the redirect, or in the link of the page that stands between two addresses."""
    return (
        begun.headers.get("Location")
        or re.findall(r'href="(http[^"]+authorize[^"]+)"', begun.text)[0]
    )


def _tokens(page: str) -> set[str]:
    return set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page))
