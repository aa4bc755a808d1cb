"""The address under which wrong passwords are counted."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from exports.middleware.client_address import UNKNOWN, client_address


@pytest.mark.parametrize(
    ("forwarded", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:51844", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9:51844", "203.0.113.9"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::"),
        ("[2001:db8::1]:443", "2001:db8::"),
        ("[2001:db8::1]", "2001:db8::"),
        ('"[2001:db8::1]:443"', "2001:db8::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", UNKNOWN),
        ("203.0.113.9,", UNKNOWN),
        ("203.0.113.9:x", UNKNOWN),
        ("_hidden", UNKNOWN),
        (" ", UNKNOWN),
        ("x" * 5_000, UNKNOWN),
        ("", "127.0.0.1"),
    ],
)
def test_nearest_proxy_names_the_client(
    rf: RequestFactory, settings: Settings, forwarded: str, counted: str
) -> None:
    settings.CWEXPORT_TRUSTED_PROXIES = 1
    assert client_address(rf.get("/", headers={"X-Forwarded-For": forwarded})) == counted


@pytest.mark.parametrize(
    ("count", "counted"),
    [(0, "127.0.0.1"), (1, "192.0.2.3"), (2, "192.0.2.2"), (3, "192.0.2.1"), (4, "127.0.0.1")],
)
def test_number_of_proxies_is_a_setting(
    rf: RequestFactory, settings: Settings, count: int, counted: str
) -> None:
    settings.CWEXPORT_TRUSTED_PROXIES = count
    headers = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2, 192.0.2.3"}
    assert client_address(rf.get("/", headers=headers)) == counted
