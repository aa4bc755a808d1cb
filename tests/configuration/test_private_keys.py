"""Private keys are read from the environment and shown nowhere (rules C3, C5)."""

import pytest

from exports import configuration
from exports.models import Connection
from tests.configuration.example import EXAMPLE, KEY, changed, load, needs_database, problems


@needs_database
@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("na.myconnectwise.net", "eu.myconnectwise.net", "site"),
        ("company: acme", "company: emca", "company"),
        ("AbCdEf", "GhIjKl", "public_key"),
    ],
)
@pytest.mark.rule("C5")
def test_new_site_needs_the_private_key_again(before: str, after: str, named: str) -> None:
    load()
    for environment in ({}, {"CWEXPORT_KEY_ACME": " "}):
        assert problems(changed(before, after), environment) == [
            "6: Put the private key into the environment variable CWEXPORT_KEY_ACME, "
            f"because {named} changed."
        ]
    load(changed(before, after))
    assert Connection.objects.get().read_private_key() == KEY


@needs_database
def test_a_new_connection_needs_its_private_key() -> None:
    assert problems(EXAMPLE, {}) == [
        "6: Put the private key into the environment variable CWEXPORT_KEY_ACME, "
        "because the connection is new."
    ]
    assert problems(changed("    private_key_env: CWEXPORT_KEY_ACME\n", "")) == [
        "2: Name the environment variable that holds the private key, like "
        "private_key_env: CWEXPORT_KEY_ACME, because the connection is new."
    ]


@needs_database
def test_the_installations_own_secrets_are_no_private_keys() -> None:
    text = changed("CWEXPORT_KEY_ACME", "CWEXPORT_ENCRYPTION_KEYS")
    assert problems(text, {"CWEXPORT_ENCRYPTION_KEYS": "secret"}) == [
        "6: CWEXPORT_ENCRYPTION_KEYS belongs to this installation: name another."
    ]


@needs_database
@pytest.mark.rule("C3")
def test_private_key_is_in_no_output() -> None:
    loaded = load()
    replaced = load(environment={"CWEXPORT_KEY_ACME": "S3cret-two"})
    refused = problems(changed("page_size: 1000", "page_size: 0"))
    params = repr((loaded, replaced, refused, configuration.current_configuration()))

    assert KEY not in params
    assert repr(KEY)[1:-1] not in params
    assert "S3cret-two" not in params


@needs_database
def test_file_reads_only_our_variables() -> None:
    text = changed("CWEXPORT_KEY_ACME", "AWS_SECRET_ACCESS_KEY")
    environment = {"AWS_SECRET_ACCESS_KEY": "aws"}
    [problem] = problems(text, environment)
    assert problem.startswith("6: AWS_SECRET_ACCESS_KEY is not read: a file only names variables")
    assert "--allow-variable" in problem

    file = configuration.read(text.encode())
    configuration.load(file, environment, allowed_variables=["AWS_SECRET_ACCESS_KEY"])
    assert Connection.objects.get().read_private_key() == "aws"
