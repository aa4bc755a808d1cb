"""The connection test (rule C4), against the stand-in."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, transaction
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from exports.demo import answers, faults, wires
from exports.demo.account import Account
from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.live_checks import connection_check
from exports.live_checks.connection_check import Step
from exports.models import Connection
from tests.conftest import make_connection
from tests.demo.certificates import Certificates

pytestmark = pytest.mark.django_db

SKIPPED = "Not tried, because a step before it failed."


def outcomes(steps: list[Step]) -> list[str]:
    return [step.outcome for step in steps]


@pytest.mark.rule("C4")
def test_right_connection_passes_nearly_every_step(
    stand_in: StandIn,
) -> None:
    connection = make_connection(stand_in)

    steps = connection_check.test_connection(connection)

    assert steps == [
        Step(
            "Address and TLS",
            "passed",
            f"{stand_in.url}/v4_6_release/apis/3.0 answers over plain http, as this installation "
            "allows.",
        ),
        Step("Company known", "passed", "ConnectWise knows demo and runs version v2025.8.12345."),
        Step(
            "Credentials accepted",
            "passed",
            "ConnectWise accepts the company, both keys and the Client ID.",
        ),
        Step("Batches readable", "passed", "120 batches can be read."),
        Step(
            "Created date on batches",
            "warning",
            "0 of 120 batches carry one. After a typed Date Created, New starts by the last update "
            "instead and may include older batches that were changed since; from then on it goes "
            "by id, which is exact.",
        ),
        Step(
            "Clock difference",
            "passed",
            "ConnectWise's clock and this server's agree within a minute.",
        ),
    ]


@pytest.mark.rule("C4")
def test_result_and_time_stay_on_connection(stand_in: StandIn) -> None:
    connection = make_connection(stand_in)
    before = datetime.now(UTC)

    steps = connection_check.test_connection(connection)

    stored = Connection.objects.get(pk=connection.pk)
    assert stored.last_test_steps == [vars(step) for step in steps]
    assert stored.last_tested_at is not None
    assert before <= stored.last_tested_at <= datetime.now(UTC)


def test_batches_that_all_carry_a_created_date_pass() -> None:
    store = Store(seed_batches(120, with_date_entered=True))
    with StandIn(store) as stand_in:
        steps = connection_check.test_connection(make_connection(stand_in))

    assert steps[4] == Step(
        "Created date on batches",
        "passed",
        "Every batch carries one, so New starts exactly at Date Created.",
    )


def test_a_trusted_certificate_passes(
    tls_stand_in: StandIn, certificates: Certificates, settings: Settings
) -> None:
    settings.CWEXPORT_CA_FILE = str(certificates.authority)

    steps = connection_check.test_connection(make_connection(tls_stand_in))

    assert steps[0] == Step(
        "Address and TLS",
        "passed",
        f"{tls_stand_in.url}/v4_6_release/apis/3.0 answers, and its certificate proves who it is.",
    )


def test_unknown_certificate_ends_the_check(tls_stand_in: StandIn) -> None:
    steps = connection_check.test_connection(make_connection(tls_stand_in))

    assert outcomes(steps) == ["failed"] + ["skipped"] * 5
    assert "certificate" in steps[0].sentence
    assert list(tls_stand_in.requests) == []


def test_a_refused_address_is_never_called(stand_in: StandIn, settings: Settings) -> None:
    settings.CWEXPORT_ALLOWED_NETWORKS = []

    steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps) == ["failed"] + ["skipped"] * 5
    assert steps[0].sentence.startswith(f"Reaching the address: {stand_in.url} was not called.")
    assert "CWEXPORT_ALLOWED_NETWORKS" in steps[0].sentence
    assert list(stand_in.requests) == []


def test_forbidden_http_fails_at_the_address(stand_in: StandIn, settings: Settings) -> None:
    settings.CWEXPORT_ALLOW_HTTP = False

    steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps) == ["failed"] + ["skipped"] * 5
    assert "use https://" in steps[0].sentence


def test_nobody_listening_fails_at_the_address(stand_in: StandIn) -> None:
    connection = make_connection(stand_in)
    stand_in.stop()

    steps = connection_check.test_connection(connection)

    assert outcomes(steps) == ["failed"] + ["skipped"] * 5
    assert steps[0].sentence.startswith("Reaching the address: ")
    assert [step.sentence for step in steps[1:]] == [SKIPPED] * 5


@pytest.mark.parametrize(
    "fault",
    [
        faults.Redirect("http://127.0.0.1:9/elsewhere", on=answers.ANY),
        faults.Body(faults.LOGIN_PAGE, content_type="text/html", on=answers.ANY),
    ],
    ids=["a redirect", "a login page"],
)
def test_what_is_no_connectwise_fails_at_the_address(
    stand_in: StandIn, fault: faults.Fault
) -> None:
    with stand_in.faults.on(fault):
        steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps) == ["failed"] + ["skipped"] * 5
    assert steps[0].sentence.startswith("Reaching the address: ")


def test_a_company_that_nobody_knows_fails(stand_in: StandIn) -> None:
    steps = connection_check.test_connection(make_connection(stand_in, company="nobody"))

    assert outcomes(steps) == ["passed", "failed"] + ["skipped"] * 4
    assert steps[1].sentence == (
        f"{stand_in.url} does not know the company nobody. Type it as on the ConnectWise login "
        "page, and check that the site is the one you log in to."
    )


def test_api_overrules_the_login_page(
    stand_in: StandIn,
) -> None:
    with stand_in.faults.on(faults.Status(404, on=(answers.COMPANY,))):
        steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps)[:4] == ["passed", "warning", "passed", "passed"]


@pytest.mark.parametrize(
    ("field", "words"), [("public_key", "private key"), ("client_id", "Client ID")]
)
def test_wrong_keys_fail_at_credentials(stand_in: StandIn, field: str, words: str) -> None:
    connection = make_connection(stand_in, **{field: "wrong"})

    steps = connection_check.test_connection(connection)

    assert outcomes(steps) == ["passed", "passed", "failed"] + ["skipped"] * 3
    assert steps[2].sentence.startswith("Checking the credentials: ")
    assert words in steps[2].sentence


@pytest.mark.rule("C4")
def test_refused_system_information_is_a_warning_only() -> None:
    account = Account(system_info_forbidden=True)
    with StandIn(Store(seed_batches(120)), account=account) as stand_in:
        steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps)[:4] == ["passed", "passed", "warning", "passed"]


def test_missing_right_fails_at_batches(stand_in: StandIn) -> None:
    with stand_in.faults.on(faults.Status(403)):
        steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps) == ["passed", "passed", "passed", "failed", "skipped", "skipped"]
    assert "Finance > Accounting Interface: Inquire = All" in steps[3].sentence


def test_counted_batches_that_are_not_shown_fail(stand_in: StandIn) -> None:
    with stand_in.faults.on(faults.Nothing(on=(answers.LIST,))):
        steps = connection_check.test_connection(make_connection(stand_in))

    assert steps[3] == Step(
        "Batches readable",
        "failed",
        "ConnectWise counts 120 batches but shows none. Check the security role of the API "
        "member: Finance > Accounting Interface: Inquire = All.",
    )


def test_no_batches_at_all_is_a_warning(stand_in: StandIn) -> None:
    with stand_in.faults.on(faults.Nothing()):
        steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps) == ["passed", "passed", "passed", "warning", "warning", "passed"]


def test_a_refused_count_is_a_warning(stand_in: StandIn) -> None:
    with stand_in.faults.on(faults.Status(403, on=(answers.COUNT,))):
        steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps) == ["passed", "passed", "passed", "warning", "warning", "passed"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(600, " seconds behind this"), (-600, " seconds ahead of this")]
)
def test_clock_difference_is_a_warning(stand_in: StandIn, seconds: int, words: str) -> None:
    now = datetime.now(UTC) + timedelta(seconds=seconds)

    steps = connection_check.test_connection(make_connection(stand_in), now=now)

    assert steps[5].outcome == "warning"
    assert words in steps[5].sentence


def test_a_server_without_a_clock_is_a_warning(stand_in: StandIn) -> None:
    with stand_in.faults.on(faults.no_date_header()):
        steps = connection_check.test_connection(make_connection(stand_in))

    assert steps[5].outcome == "warning"
    assert "does not tell its time" in steps[5].sentence


def test_lost_encryption_key_sends_nothing(stand_in: StandIn, settings: Settings) -> None:
    connection = make_connection(stand_in)
    settings.CWEXPORT_ENCRYPTION_KEYS = ["A" * 43 + "="]

    steps = connection_check.test_connection(connection)

    assert outcomes(steps) == ["skipped", "skipped", "failed"] + ["skipped"] * 3
    assert "CWEXPORT_ENCRYPTION_KEYS" in steps[2].sentence
    assert list(stand_in.requests) == []


def test_a_server_that_never_answers_is_given_up(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_check, "SECONDS_IN_ALL", 0.3)
    with stand_in.faults.on(faults.Sending(wires.never_answer, on=answers.ANY)):
        steps = connection_check.test_connection(make_connection(stand_in))

    assert outcomes(steps) == ["failed"] + ["skipped"] * 5
    assert "did not answer everything within" in steps[0].sentence


def test_private_key_is_in_no_sentence(
    stand_in: StandIn,
) -> None:
    private_key = 'pK-"é&<9\\z'
    connection = make_connection(stand_in)
    connection.write_private_key(private_key)
    connection.save()

    with stand_in.faults.on(faults.Status(400, private_key.encode(), "text/plain", on=answers.ANY)):
        steps = connection_check.test_connection(connection)

    assert private_key not in " ".join(step.sentence for step in steps)


@pytest.mark.parametrize(
    "version", ["\ud800", "v1\x00\x1b[2J\u202e", "x" * 900_000, "\U000e0041" * 900, 'pK-"é&<9\\z']
)
def test_strange_version_keeps_the_page(
    stand_in: StandIn, admin_client: Client, version: str
) -> None:
    connection = make_connection(stand_in)
    connection.write_private_key('pK-"é&<9\\z')
    connection.save()
    body = json.dumps({"CompanyID": "demo", "Codebase": "v4_6/", "VersionNumber": version})

    with stand_in.faults.on(faults.Body(body.encode(), on=(answers.COMPANY,))):
        connection_check.test_connection(connection)
    page = admin_client.get(reverse("connection-edit", args=[connection.pk]))

    assert page.status_code == 200
    assert len(page.content) < 60_000
    shown = " ".join(step["sentence"] for step in Connection.objects.get().last_test_steps)
    assert all(character.isprintable() for character in shown)
    assert "pK-" not in shown


@pytest.mark.parametrize(
    "stored",
    [
        [{"name": "Company known", "outcome": "passed", "sentence": "Runs \ud800."}],
        [{"name": "Company known", "outcome": "passed", "sentence": "x" * 900_000}],
        [{"outcome": "\udfff"}, "text", None, 3],
        {"name": "none of ours"},
    ],
)
def test_bad_stored_steps_keep_the_pages(
    stand_in: StandIn, admin_client: Client, stored: object
) -> None:
    connection = make_connection(stand_in)
    try:
        with transaction.atomic():
            Connection.objects.update(last_test_steps=stored, last_tested_at=datetime.now(UTC))
    except DataError:
        # PostgreSQL stores no half of a character, so there it can never be read.
        assert database.vendor == "postgresql"
        assert "\\ud" in json.dumps(stored)
        return

    for address in (
        reverse("connection-edit", args=[connection.pk]),
        reverse("connection-list"),
        reverse("home"),
    ):
        page = admin_client.get(address)
        assert page.status_code == 200
        assert len(page.content) < 60_000


def test_the_worst_step_names_the_whole() -> None:
    passed, warning, failed = (Step("", outcome, "") for outcome in ("passed", "warning", "failed"))
    assert connection_check.worst_outcome([passed, passed]) == "passed"
    assert connection_check.worst_outcome([passed, warning]) == "warning"
    assert connection_check.worst_outcome([passed, warning, failed]) == "failed"
