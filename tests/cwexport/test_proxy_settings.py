"""The proxy settings that an operator may write, read by a separate process."""

import os
import subprocess
import sys

import pytest

SHOW = (
    "from django.conf import settings as s; r = s.CWEXPORT_ROUTE; "
    "print(r.proxy, r.proxy and r.proxy.hosts, r.is_environment_ignored)"
)


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if "PROXY" not in name.upper()}
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**kept, "DJANGO_SETTINGS_MODULE": "cwexport.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_proxy_is_read_with_its_hosts() -> None:
    found = started(CWEXPORT_PROXY="http://me:secretpass@proxy:3128", HTTPS_PROXY="http://x:1")

    assert found.stdout.startswith("proxy:3128 ('*.myconnectwise.net',")
    assert found.stdout.endswith("True\n")


def test_hosts_of_the_proxy_can_be_listed() -> None:
    found = started(CWEXPORT_PROXY="http://proxy:3128", CWEXPORT_PROXY_HOSTS="CW.example.com")

    assert found.stdout == "proxy:3128 ('cw.example.com',) False\n"


@pytest.mark.parametrize(
    ("proxy", "hosts"),
    [
        ("me:secretpass@proxy:3128", ""),
        ("http://me:secretpass/x@proxy:3128", ""),
        ("http://me:secretpass@proxy:3128", "*"),
    ],
)
def test_wrong_proxy_is_refused_without_its_password(proxy: str, hosts: str) -> None:
    found = started(CWEXPORT_PROXY=proxy, CWEXPORT_PROXY_HOSTS=hosts)

    assert "CWEXPORT_PROXY has a value that cannot be used" in found.stderr
    assert "Write http://host:port" in found.stderr
    assert "secretpass" not in found.stderr
