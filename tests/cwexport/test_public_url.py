"""An installation behind a proxy with its own port and path."""

import http.client
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from cwexport.public_url import split_public_url
from exports.middleware.public_address import public_environ
from tests.management.installation import (
    free_port,
    is_listening,
    manage,
    serve_process,
    wait_until,
)

PUBLIC_URL = "https://cw.example.com:8443/cwexport"
NAME, PASSWORD = "Admin1", "correct horse"


class Proxy:
    """Requests like a proxy's: the host without port, the path with or without its prefix."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: SimpleCookie = SimpleCookie()

    def ask(
        self, path: str, fields: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, str]:
        headers = {
            "Host": "cw.example.com",
            "X-Forwarded-Proto": "https",
            "Origin": "https://cw.example.com:8443",
            "Cookie": "; ".join(f"{name}={m.value}" for name, m in self._cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        client.request("POST" if fields else "GET", path, urlencode(fields or {}), headers)
        answer = client.getresponse()
        text = answer.read().decode()
        client.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self._cookies.load(cookie)
            assert "; Path=/cwexport/;" in cookie
            assert cookie.endswith("; Secure")
        return answer, text


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder, port = tmp_path_factory.mktemp("public"), free_port()
    manage("migrate", folder=folder)
    manage(
        *("createsuperuser", "--noinput", "--username", NAME, "--email", "a@example.com"),
        folder=folder,
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    words = ("--port", str(port))
    with serve_process(folder, folder / "log", *words, CWEXPORT_PUBLIC_URL=PUBLIC_URL):
        wait_until(lambda: is_listening(port))
        yield Proxy(port)


@pytest.mark.parametrize("prefix", ["/cwexport", ""])
def test_pages_lead_to_the_public_address(proxy: Proxy, prefix: str) -> None:
    answer, _ = proxy.ask(f"{prefix}/runs/")
    assert answer.headers["Location"] == "/cwexport/login/?next=/cwexport/runs/"
    _, page = proxy.ask(f"{prefix}/login/")
    links = re.findall(r'(?:href|src)="([^"#]+)"', page)
    assert links
    assert all(link.startswith("/cwexport/") for link in links)
    for link in links:
        assert proxy.ask(prefix + link.removeprefix("/cwexport"))[0].status in {200, 302}


def test_login_works_though_host_lacks_the_port(proxy: Proxy) -> None:
    _, page = proxy.ask("/cwexport/login/")
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
    fields = {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token}
    answer, _ = proxy.ask("/cwexport/login/", fields)
    assert (answer.status, answer.headers["Location"]) == (302, "/cwexport/")
    assert proxy.ask("/cwexport/")[0].status == 200


def test_installations_have_cookies_of_their_own(tmp_path: Path) -> None:
    command = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME)"
    names = [
        manage("shell", "--no-imports", "-c", command, folder=tmp_path / folder).stdout
        for folder in ("a", "b", "a")
    ]
    assert names[0] == names[2] != names[1]


@pytest.mark.parametrize(
    "text", ["cw.example.com", "ftp://a", "https://", "https://u@a", "https://a/?b", "http://a:x"]
)
def test_unclear_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (settings say what right looks like)
        split_public_url(text)


@pytest.mark.parametrize("path", ["/cwexportx/", "/", "/runs/cwexport/"])
def test_other_paths_stay_as_they_are(path: str) -> None:
    assert public_environ({"PATH_INFO": path}, PUBLIC_URL)["PATH_INFO"] == path
