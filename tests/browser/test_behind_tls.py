"""Logging in over https in a real browser, behind a proxy that ends TLS."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import PATIENCE, sign_in
from tests.browser.sample.starting import PASSWORD, USER
from tests.browser.tls_proxy import tls_proxy
from tests.demo.certificates import make_certificates
from tests.management.installation import (
    free_port,
    install,
    is_listening,
    manage,
    serve_process,
    wait_until,
)

pytestmark = [pytest.mark.browser, pytest.mark.rule("A4")]


def test_login_over_https_keeps_host_cookies(chromium: Browser, tmp_path: Path) -> None:
    port, public = free_port(), free_port()
    folder = install(tmp_path / "data")
    manage(
        *("createsuperuser", "--noinput", "--username", USER, "--email", "a@example.com"),
        folder=folder,
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    settings = {"CWEXPORT_PUBLIC_URL": f"https://127.0.0.1:{public}"}
    with (
        serve_process(folder, tmp_path / "log", "--port", str(port), **settings),
        tls_proxy(public, port, make_certificates(tmp_path)) as address,
    ):
        wait_until(lambda: is_listening(port))
        # The certificate is of an authority that this browser does not know.
        context = chromium.new_context(base_url=address, ignore_https_errors=True)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        sign_in(page)

        cookies = {str(one["name"]): one for one in context.cookies()}
        # All but the time zone, which a script sets.
        ours = [name for name in cookies if "cwexport_" in name and "zone" not in name]
        assert len(ours) == 3
        assert all(name.startswith("__Host-") and cookies[name]["secure"] for name in ours)
        # A form that changes something passes the checks of origin and token.
        page.goto("/settings/users/invite/")
        page.get_by_label("E-mail address or user name").fill("kim")
        page.get_by_role("button", name="Make the invitation").click()
        expect(page.locator(f'input[value^="{address}/link/"]')).to_be_visible()
        context.close()
