"""Settings as people write them: accepted, or refused with a correct example."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.management.installation import own_environment
from tests.processes import ROOT

_PRINT = (
    "from cwexport import settings as s; "
    "print(s.CWEXPORT_DATA_DIR, s.DATABASES['default']['NAME'], s.TIME_ZONE, s.SECRET_KEY)"
)


def read_settings(**changes: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _PRINT],
        env=own_environment(changes.pop("CWEXPORT_DATA_DIR"), PYTHONPATH=str(ROOT), **changes),
        cwd=changes.get("PWD", "/"),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("ending", ["", " ", "\r", "\r\n", "\t"])
def test_blanks_and_line_ends_are_removed(tmp_path: Path, ending: str) -> None:
    done = read_settings(
        CWEXPORT_DATA_DIR=f"{tmp_path}/a{ending}", TIME_ZONE=f"Europe/Berlin{ending}"
    )

    assert done.stdout.split()[:3] == [
        f"{tmp_path}/a",
        f"{tmp_path}/a/cwexport.sqlite3",
        "Europe/Berlin",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_tilde_is_the_home_folder(tmp_path: Path) -> None:
    done = read_settings(CWEXPORT_DATA_DIR="~/data", HOME=str(tmp_path))

    assert done.stdout.split()[0] == f"{tmp_path}/data"


def test_folder_name_may_hold_url_characters(tmp_path: Path) -> None:
    done = read_settings(CWEXPORT_DATA_DIR=f"{tmp_path}/a#b?c%20d")

    assert done.stdout.split()[1] == f"{tmp_path}/a#b?c%20d/cwexport.sqlite3"


def test_dollar_in_a_secret_is_kept(tmp_path: Path) -> None:
    secret = "$HOME" + "a7Kf0_-Qz9LmW3xRt" * 3
    done = read_settings(CWEXPORT_DATA_DIR=str(tmp_path), SECRET_KEY=secret)

    assert done.stdout.split()[3] == secret


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("CWEXPORT_SESSION_IDLE_HOURS", "25", "write a whole number from 1 to 24"),
        ("CWEXPORT_SESSION_MAX_HOURS", "0", "write a whole number from 1 to 168"),
        ("CWEXPORT_SESSION_MAX_HOURS", "9" * 5_000, "write a whole number from 1 to 168"),
        ("CWEXPORT_SECOND_FACTOR", "always", "write optional, required"),
        ("CWEXPORT_OIDC_ISSUER", "login.example.com", "Write the provider's issuer"),
        ("CWEXPORT_OIDC_ISSUER", "http://login.example.com", "Write the provider's issuer"),
        ("CWEXPORT_OIDC_ISSUER", "https://a.example.com/?x=1", "Write the provider's issuer"),
        ("CWEXPORT_OIDC_ISSUER", "https://a.example.com", "CWEXPORT_OIDC_CLIENT_ID is not"),
        ("CWEXPORT_OIDC_ROLES", "boss=group", "Write role=group pairs"),
        ("CWEXPORT_OIDC_REQUIRE", "mfa", "Write claims of which one"),
        ("CWEXPORT_HSTS_SUBDOMAINS", "yes", "write true or false"),
        ("CWEXPORT_PASSWORD_LOGIN", "off", "so nobody could log in"),
        ("CWEXPORT_DATA_DIR", '"/tmp/x"', "CWEXPORT_DATA_DIR stands in quotation marks"),
        ("CWEXPORT_DATA_DIR", "'/tmp/x'\r", "CWEXPORT_DATA_DIR stands in quotation marks"),
        ("CWEXPORT_DATA_DIR", '/tmp/x"', "without quotation marks"),
        ("CWEXPORT_DATA_DIR", "/tmp/x\ny", "without quotation marks or line breaks"),
        ("CWEXPORT_DATA_DIR", "data", "write the whole path, e.g. /data"),
        ("CWEXPORT_DATA_DIR", "./var", "write the whole path"),
        ("CWEXPORT_DATA_DIR", "~nobody-of-this-name/var", "write the whole path"),
        ("CWEXPORT_EXPORT_DIR", "pick-up", "write the whole path"),
        ("CWEXPORT_CA_FILE", "ca.pem", "write the whole path"),
        ("DATABASE_URL", '"postgres://u:secret@h/n"', "DATABASE_URL stands in quotation marks"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "four slashes"),
        ("CWEXPORT_QUEUE", "amqp://me:secret@h/0", "Write database, or redis://user"),
        ("CWEXPORT_QUEUE", "redis://me:se/cret@h/0", "%2F for /"),
        ("DATABASE_URL", "sqlite://", "four slashes"),
        ("TIME_ZONE", '"UTC"', "TIME_ZONE stands in quotation marks"),
        ("SECRET_KEY", "x" * 60, "SECRET_KEY can be guessed"),
        ("SECRET_KEY", "a7Kf0_-Qz9LmW3xRt", "SECRET_KEY can be guessed"),
        ("SECRET_KEY", "django-insecure-a7Kf0_-Qz9LmW3xRta7Kf0_-Qz9LmW3xRt", "can be guessed"),
        ("SECRET_KEY", "change-me-a7Kf0_-Qz9LmW3xRta7Kf0_-Qz9LmW3xRta7Kf0_-Qz9", "can be guessed"),
        ("DEBUG", "'true'", "DEBUG stands in quotation marks"),
    ],
)
def test_unclear_value_is_refused(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    done = read_settings(**{"CWEXPORT_DATA_DIR": str(tmp_path), name: text})

    assert done.returncode == 1
    assert sentence in done.stderr
    assert "secret" not in done.stderr.split("ImproperlyConfigured")[-1]


@pytest.mark.rule("I3")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "nothing says who may read them"),
        ({"CWEXPORT_METRICS_TOKEN": "x" * 19}, "can be guessed"),
        ({"CWEXPORT_METRICS_TOKEN": "x y" * 10}, "can be guessed or not be sent"),
        ({"CWEXPORT_METRICS_NETWORKS": "10.0.0.1/8"}, "Write networks"),
    ],
)
def test_metrics_without_a_limit_are_refused(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    done = read_settings(CWEXPORT_DATA_DIR=str(tmp_path), CWEXPORT_METRICS="on", **changes)

    assert done.returncode != 0
    assert words in done.stderr
    assert changes.get("CWEXPORT_METRICS_TOKEN", "none") not in done.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CWEXPORT_SMTP_TLS": "ssl"}, "write starttls"),
        ({"CWEXPORT_SMTP_TLS": "none", "CWEXPORT_SMTP_PASSWORD": "x"}, "sent readable"),
        ({"CWEXPORT_SMTP_HOST": "mail.example.com"}, "the address that mails come from"),
        ({"CWEXPORT_SMTP_HOST": "m.example.com", "CWEXPORT_SMTP_FROM": "a"}, "come from"),
        ({"CWEXPORT_SMTP_PORT": "smtp"}, "whole number"),
        ({"CWEXPORT_LOG_FORMAT": "xml"}, "write line or json"),
        ({"CWEXPORT_LOG_LEVEL": "loud"}, "write debug, info"),
    ],
)
def test_unusable_choice_is_refused(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    done = read_settings(CWEXPORT_DATA_DIR=str(tmp_path), **changes)

    assert done.returncode != 0
    assert words in done.stderr
