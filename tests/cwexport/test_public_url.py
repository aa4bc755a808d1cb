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
    install,
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
    install(folder)
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
    ("asked", "subdomains"), [({}, "False"), ({"CWEXPORT_HSTS_SUBDOMAINS": "on"}, "True")]
)
def test_hsts_covers_subdomains_when_asked(
    tmp_path: Path, asked: dict[str, str], subdomains: str
) -> None:
    command = (
        "from django.conf import settings as s; from django.middleware.security import "
        "SecurityMiddleware as M; m = M(len); print(m.sts_seconds, m.sts_include_subdomains)"
    )
    changes = {"CWEXPORT_PUBLIC_URL": "https://cw.example.com", **asked}
    done = manage("shell", "--no-imports", "-c", command, folder=tmp_path, **changes)
    assert done.stdout.split() == ["31536000", subdomains]


@pytest.mark.parametrize(
    ("public_url", "prefix"),
    [
        ("https://cw.example.com:8443", "__Host-cwexport_"),
        ("https://cw.example.com/cwexport", "__Secure-cwexport_"),
        ("http://cw.example.com", "cwexport_"),
    ],
)
def test_cookies_over_https_are_only_ours(tmp_path: Path, public_url: str, prefix: str) -> None:
    names = "s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.CWEXPORT_BROWSER_COOKIE_NAME"
    command = f"from django.conf import settings as s; print({names})"
    shell = ("shell", "--no-imports", "-c", command)
    found = manage(*shell, folder=tmp_path, CWEXPORT_PUBLIC_URL=public_url).stdout.split()
    assert len(found) == 3
    assert all(name.startswith(prefix) for name in found)


@pytest.mark.parametrize(
    "text", ["cw.example.com", "ftp://a", "https://", "https://u@a", "https://a/?b", "http://a:x"]
)
def test_unclear_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (settings say what right looks like)
        split_public_url(text)


@pytest.mark.parametrize("path", ["/cwexportx/", "/", "/runs/cwexport/"])
def test_other_paths_stay_as_they_are(path: str) -> None:
    assert public_environ({"PATH_INFO": path}, PUBLIC_URL)["PATH_INFO"] == path


@pytest.mark.parametrize("path", ["/runs", "/login/deeper", "/static", "/batches.xsd"])
def test_public_path_like_a_page_is_refused(tmp_path: Path, path: str) -> None:
    done = manage("serve", folder=tmp_path, CWEXPORT_PUBLIC_URL=f"https://cw.example.com{path}")

    assert done.returncode == 1
    assert "is one of the dashboard's own pages. Choose another path" in done.stderr
