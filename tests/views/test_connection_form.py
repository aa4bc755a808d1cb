"""The form of a connection (rules C1 to C5)."""

import pytest
from django.test import Client
from pytest_django import Settings

from exports.models import Connection
from tests.views.connection_pages import (
    CLIENT_ID,
    NEW,
    PRIVATE_KEY,
    TYPED,
    UNCHANGED,
    edit_page,
    errors_of,
    messages_of,
    saved_connection,
    shows_the_key,
    stored,
)

pytestmark = pytest.mark.django_db

KEY_ONCE_MORE = (
    "Nothing is wrong with the private key, but it is never sent back to a browser: please type "
    "it once more."
)


@pytest.fixture
def acme() -> Connection:
    return saved_connection()


# --- Creating


def test_a_connection_is_created_from_what_was_typed(signed_in: Client) -> None:
    response = signed_in.post(NEW, TYPED | {"site": "https://NA.myconnectwise.net/v4_6_release/"})

    made = Connection.objects.get()
    assert response.headers["Location"] == edit_page(made)
    assert (made.name, made.site, made.company, made.public_key, made.client_id) == (
        "Acme",
        "https://na.myconnectwise.net",
        "acme",
        "AbCdEf",
        CLIENT_ID,
    )
    assert made.read_private_key() == PRIVATE_KEY
    assert messages_of(response) == ["Connection Acme was saved."]


def test_blanks_around_what_was_pasted_are_dropped(signed_in: Client) -> None:
    signed_in.post(NEW, {name: f" {value} " for name, value in TYPED.items()})

    made = Connection.objects.get()
    assert (made.company, made.public_key, made.client_id, made.read_private_key()) == (
        "acme",
        "AbCdEf",
        CLIENT_ID,
        PRIVATE_KEY,
    )


def test_the_labels_are_the_words_of_the_specification(signed_in: Client) -> None:
    form = signed_in.get(NEW).context["form"]

    assert [str(field.label) for field in form.visible_fields()] == [
        "Name",
        "Site",
        "Company",
        "Public Key",
        "Private Key",
        "Client ID",
        "Parallel Requests",
        "Default",
    ]


@pytest.mark.rule("C1")
def test_first_connection_becomes_the_default(
    signed_in: Client,
) -> None:
    signed_in.post(NEW, TYPED)
    signed_in.post(NEW, TYPED | {"name": "Second"})
    assert Connection.objects.get(is_default=True).name == "Acme"

    signed_in.post(NEW, TYPED | {"name": "Third", "is_default": "on"})
    assert Connection.objects.get(is_default=True).name == "Third"


def test_missing_values_are_named_at_their_fields(signed_in: Client) -> None:
    assert errors_of(signed_in.post(NEW, {"name": ""})) == {
        "name": ["Give the connection a name, e.g. the company's."],
        "site": ["Type the address you log in to, e.g. na.myconnectwise.net."],
        "company": ["Type the company as on the ConnectWise login page."],
        "public_key": ["Type the API member's public key."],
        "private_key": ["Type the API member's private key."],
        "client_id": [
            "ConnectWise answers nobody without a Client ID: register one at "
            "developer.connectwise.com and type it here."
        ],
        "parallel_requests": ["Type a whole number from 1 to 8; 4 suits most."],
    }
    assert not Connection.objects.exists()


@pytest.mark.rule("C1")
def test_a_name_can_be_used_once(signed_in: Client, acme: Connection) -> None:
    errors = errors_of(signed_in.post(NEW, TYPED))

    assert errors["name"] == ["There is another connection with this name: choose a different one."]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("site", "https://user:pw@na.myconnectwise.net", "user name or password"),
        ("site", "ftp://na.myconnectwise.net", "starts with https://"),
        ("site", "http://na.myconnectwise.net", "type https://na.myconnectwise.net"),
        ("site", "169.254.169.254", "never called"),
        ("site", "[::ffff:169.254.169.254]", "never called"),
        ("site", "2852039166", "never called"),
        ("site", "[64:ff9b::a9fe:a9fe]", "never called"),
        ("site", "10.1.2.3", "CWEXPORT_ALLOWED_NETWORKS"),
        ("company", "ac+me", "no + or colon"),
        ("company", "ac:me", "no + or colon"),
        ("company", "ac\u200bme", "invisible characters"),
        ("public_key", "Ab:Cd", "no colon"),
        ("public_key", "Ab\tCd", "invisible characters"),
        ("private_key", "Ab\r\nCd", "invisible characters"),
        ("parallel_requests", "0", "from 1 to 8"),
        ("parallel_requests", "9", "from 1 to 8"),
        ("parallel_requests", "many", "from 1 to 8"),
        ("client_id", "é", "plain letters"),
        ("client_id", "a\x7fb", "invisible characters"),
    ],
)
def test_unsendable_value_is_refused_at_its_field(
    signed_in: Client, field: str, typed: str, sentence: str
) -> None:
    response = signed_in.post(NEW, TYPED | {field: typed})

    assert sentence in errors_of(response)[field][0]
    assert not Connection.objects.exists()


def test_site_help_promises_only_what_works(signed_in: Client) -> None:
    promised = str(signed_in.get(NEW).context["form"].fields["site"].help_text)
    pasted = "https://na.myconnectwise.net/v2024_1/ConnectWise.aspx?locale=en_US#x"

    assert "up to the first ? or #" in promised
    refused = errors_of(signed_in.post(NEW, TYPED | {"site": pasted}))
    assert refused["site"] == ["A site holds no ?, # or backslash. Type na.myconnectwise.net."]
    signed_in.post(NEW, TYPED | {"site": pasted.partition("?")[0]})
    assert Connection.objects.get().site == "https://na.myconnectwise.net"


def test_loopback_is_refused_unless_the_operator_lists_it(
    signed_in: Client, settings: Settings
) -> None:
    settings.CWEXPORT_ALLOWED_NETWORKS = []
    assert "site" in errors_of(signed_in.post(NEW, TYPED | {"site": "127.1"}))


def test_typed_values_stay_except_private_key(signed_in: Client) -> None:
    response = signed_in.post(NEW, TYPED | {"company": "ac+<me>", "is_default": "on"})

    form = response.context["form"]
    assert {name: form[name].value() for name in ("name", "site", "company", "client_id")} == {
        "name": "Acme",
        "site": "na.myconnectwise.net",
        "company": "ac+<me>",
        "client_id": CLIENT_ID,
    }
    assert errors_of(response)["private_key"] == [KEY_ONCE_MORE]
    assert "ac+&lt;me&gt;" in response.content.decode()
    assert not shows_the_key(response)


def test_the_first_wrong_field_gets_the_focus(signed_in: Client) -> None:
    page = signed_in.post(NEW, TYPED | {"company": "a+b", "public_key": ""}).content.decode()

    assert page.count("autofocus") == 1
    assert "autofocus" in page[page.index('name="company"') :][:400]


@pytest.mark.parametrize(
    ("field", "typed"), [("site", "ftp://x"), ("client_id", "é"), ("parallel_requests", "9")]
)
def test_valid_key_never_takes_the_focus(signed_in: Client, field: str, typed: str) -> None:
    page = signed_in.post(NEW, TYPED | {field: typed}).content.decode()

    assert page.count("autofocus") == 1
    assert "autofocus" in page[page.index(f'name="{field}"') :].partition(">")[0]


def test_a_key_that_is_wrong_takes_the_focus(signed_in: Client) -> None:
    page = signed_in.post(NEW, TYPED | {"private_key": "a\tb", "client_id": "é"}).content.decode()

    assert "autofocus" in page[page.index('name="private_key"') :].partition(">")[0]


@pytest.mark.rule("C1")
def test_client_id_may_come_from_installation(signed_in: Client, settings: Settings) -> None:
    settings.CONNECTWISE_CLIENT_ID = CLIENT_ID

    assert "this installation sets one" in signed_in.get(NEW).content.decode()
    signed_in.post(NEW, TYPED | {"client_id": ""})
    assert Connection.objects.get().effective_client_id() == CLIENT_ID


def test_odd_client_id_is_saved_with_warning(signed_in: Client) -> None:
    response = signed_in.post(NEW, TYPED | {"client_id": "acme-integration"})

    assert messages_of(response) == [
        "Connection Acme was saved.",
        "The Client ID of Acme does not look like one (11111111-2222-3333-4444-555555555555). "
        "If the test fails, check it first.",
    ]


# --- Editing


@pytest.mark.rule("C3")
def test_a_blank_private_key_keeps_the_stored_one(signed_in: Client, acme: Connection) -> None:
    response = signed_in.post(edit_page(acme), UNCHANGED | {"name": "Renamed"})

    assert response.status_code == 302
    assert (stored(acme).name, stored(acme).read_private_key()) == ("Renamed", PRIVATE_KEY)


def test_a_typed_private_key_replaces_the_stored_one(signed_in: Client, acme: Connection) -> None:
    signed_in.post(edit_page(acme), UNCHANGED | {"private_key": "another"})

    assert stored(acme).read_private_key() == "another"


@pytest.mark.parametrize(
    ("field", "typed", "label"),
    [
        ("site", "attacker.example.com", "Site"),
        ("site", "na.myconnectwise.net:8443", "Site"),
        ("company", "other", "Company"),
        ("public_key", "Other", "Public Key"),
    ],
)
@pytest.mark.rule("C5")
def test_changed_site_needs_the_private_key(
    signed_in: Client, acme: Connection, field: str, typed: str, label: str
) -> None:
    response = signed_in.post(edit_page(acme), UNCHANGED | {field: typed})

    assert errors_of(response) == {
        "private_key": [
            f"Type the private key too, as these changed: {label}. The stored key only belongs to "
            "what it was saved with."
        ]
    }
    assert getattr(stored(acme), field) == getattr(acme, field)


@pytest.mark.parametrize(("typed", "is_asked"), [("", False), ("  ", False), ("another", True)])
def test_error_elsewhere_asks_for_typed_key_again(
    signed_in: Client, acme: Connection, typed: str, is_asked: bool
) -> None:
    response = signed_in.post(edit_page(acme), UNCHANGED | {"name": "", "private_key": typed})

    assert errors_of(response).get("private_key") == ([KEY_ONCE_MORE] if is_asked else None)
    assert response.context["form"].fields["private_key"].help_text == (
        "Type it again, or leave it blank to keep the stored one. It is never shown."
        if is_asked
        else "Leave it blank to keep the stored one. It is never shown."
    )


def test_same_site_respelled_needs_no_key(signed_in: Client, acme: Connection) -> None:
    response = signed_in.post(
        edit_page(acme), UNCHANGED | {"site": "https://NA.myconnectwise.net:443/x"}
    )

    assert response.status_code == 302
    assert stored(acme).site == "https://na.myconnectwise.net"


def test_test_result_names_what_was_tested(signed_in: Client, acme: Connection) -> None:
    step = {"name": "Address and TLS", "outcome": "passed", "sentence": "It answers.", "code": ""}
    acme.record_test([step])

    signed_in.post(edit_page(acme), UNCHANGED | {"name": "Renamed"})
    assert stored(acme).last_test_steps == [step]

    signed_in.post(edit_page(acme), UNCHANGED | {"client_id": CLIENT_ID.replace("1", "9")})
    assert (stored(acme).last_test_steps, stored(acme).last_tested_at) == ([], None)


def test_page_shows_stored_values_after_error(signed_in: Client, acme: Connection) -> None:
    page = signed_in.post(edit_page(acme), UNCHANGED | {"name": ""}).content.decode()

    assert "<h1>Acme</h1>" in page


@pytest.mark.parametrize("typed", [{}, {"private_key": PRIVATE_KEY}, {"company": "other"}])
@pytest.mark.rule("C3")
def test_the_private_key_is_on_no_page(
    signed_in: Client, acme: Connection, typed: dict[str, str]
) -> None:
    pages = [
        signed_in.get("/connections/"),
        signed_in.get(edit_page(acme)),
        signed_in.post(edit_page(acme), {**UNCHANGED, **typed, "name": ""}),
        signed_in.post(edit_page(acme), {**UNCHANGED, **typed}, follow=True),
        signed_in.get(f"{edit_page(acme)}delete/"),
    ]

    assert [shows_the_key(page) for page in pages] == [False] * 5
    assert all(acme.private_key_token not in page.content.decode() for page in pages)
