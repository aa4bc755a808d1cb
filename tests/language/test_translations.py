"""The German catalogue has exactly the messages of code and templates."""

import ast
import gettext
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.messages import (
    MARKS,
    ROOT,
    Entry,
    Message,
    called,
    messages,
    python_files,
    read_catalogue,
)

FOLDER = ROOT / "exports" / "locale" / "de" / "LC_MESSAGES"
PO, MO = FOLDER / "django.po", FOLDER / "django.mo"

# Texts of two or more words that no person reads, or that are the same in every language.
UNTRANSLATED: Final = {
    "access/rights.py": {" has no row in the rights table", "One has no row in the rights table"},
    "backups/snapshots.py": {"SELECT app, name FROM django_migrations ORDER BY id"},
    "connectwise/xml/validation_process.py": {"The file is shorter than it was said to be."},
    "connectwise/http/bodies.py": {"the compressed body is broken", "the compressed body is cut"},
    "connectwise/http/proxy.py": {"not a host", "not a proxy"},
    "connectwise/http/sockets.py": {
        "the name server did not answer in time",
        "no connection in time",
        "not a name",
    },
    "connectwise/http/transport.py": {
        "closed before the request was sent",
        "too many interim responses",
    },
    "connectwise/http/tunnel.py": {
        " could not be connected to",
        "One could not be connected to",
        "One refused with One",
    },
    "forms/connections.py": {"input changed delay:300ms"},
    "management/living_demo/past.py": {
        "You do not have security permission to perform this action."
    },
    "management/living_demo/surroundings.py": {"Mails to accounting", "SFTP server of the demo"},
    # Tags are names.
    "management/living_demo/tasks.py": {"Auditor, Month end", "Daily, Month end"},
    "models/audit.py": {"The audit log can only grow."},
    "models/tasks.py": {"Exporting Batches from ConnectWise REST Interface"},
    "notifications/kinds/teams.py": {"Webhook message delivery failed"},
    "pipeline/database_faults.py": {"No space left"},
    # A heading of docs/codes.md that is looked for.
    "reporting/reference.py": {"What people are told"},
    "sign_in/accounts.py": {"no usable user name"},
    "sign_in/discovery.py": {
        "it calls itself ",
        "it calls itself One",
        "signed with a key it does not publish",
        "single sign-on is not set up",
    },
    "sign_in/id_tokens.py": {"no ID token", "no usable subject"},
    "sign_in/openid_connect.py": {"no token answer", "no token for this code"},
    "sign_in/provider_calls.py": {"no JSON object"},
    # Of errors that are caught, or are of this program.
    "workers/queues/broker.py": {"not a queue"},
    "templatetags/formatting.py": {"One min One s"},
    # Answers to monitors, and the log.
    "views/monitoring.py": {
        "Send the header Authorization: Bearer with CWEXPORT_METRICS_TOKEN.\n",
        "The database does not answer as it should.\n",
        "The metrics could not be read: %s",
        "Your address is not in CWEXPORT_METRICS_NETWORKS.\n",
    },
    "views/password_checks.py": {"another way to log in", "second factor of "},
    "views/sign_on.py": {"Single sign-on was refused: %s"},
    "workers/web_server.py": {"The request line or a header cannot be read"},
}
# Descriptions in the OpenAPI document and of metrics, which programmers read in English.
FOR_PROGRAMS: Final = ("api/", "reporting/metrics/")
# Refusals of settings, which are read before any language is.
BEFORE_LANGUAGES: Final = ("storage/places.py",)
_SENTENCE: Final = re.compile(
    r"[A-Za-z]{2,}[,;:]? [A-Za-z]+[,;:]? [a-z]+|[A-Za-z]{2,} [a-z]+[.:…]$"
)
_MARKUP: Final = re.compile(r"[<=]|^INSERT ")


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return [entry for entry in read_catalogue(PO) if entry.text]


def placeholders(text: str) -> set[str]:
    """`%(name)s` and, for str.format, `{name}`; but no braces that are shown."""
    return set(re.findall(r"%\(\w+\)[a-z]", text))


def test_there_is_a_lot_to_translate() -> None:
    found = messages()

    assert len(found) > 500
    assert Message("", "Reading batches") in found
    assert Message("", "%(count)s batch can be read.", "%(count)s batches can be read.") in found


def test_the_catalogue_has_every_message_and_no_other(entries: list[Entry]) -> None:
    listed, found = {entry.message for entry in entries}, messages()

    assert sorted(found - listed) == []
    assert sorted(listed - found) == []


def test_every_message_has_a_reviewed_translation(entries: list[Entry]) -> None:
    assert [entry.text for entry in entries if not all(entry.forms)] == []
    assert [entry.text for entry in entries if entry.is_fuzzy] == []


def test_every_plural_has_the_two_forms_of_german(entries: list[Entry]) -> None:
    assert [entry.text for entry in entries if len(entry.forms) != (2 if entry.plural else 1)] == []


def test_translation_keeps_the_placeholders(entries: list[Entry]) -> None:
    wrong = []
    for entry in entries:
        asked = [entry.text, entry.plural] if entry.plural else [entry.text]
        wrong += [
            form
            for text, form in zip(asked, entry.forms, strict=True)
            if placeholders(text) != placeholders(form)
        ]
    assert wrong == []


def test_the_compiled_catalogue_is_the_written_one(entries: list[Entry]) -> None:
    with MO.open("rb") as stream:
        compiled = gettext.GNUTranslations(stream)
    said = {entry.message: _said(compiled, entry.message) for entry in entries}

    assert said == {entry.message: entry.forms for entry in entries}
    assert _message_count(MO) == len(entries) + 1  # plus the header


def test_no_sentence_in_the_code_goes_untranslated() -> None:
    found = {}
    for path in python_files():
        texts = {text for text in _texts(ast.parse(path.read_text())) if _SENTENCE.search(text)}
        if left := {text for text in texts if not _MARKUP.search(text)}:
            found[path.relative_to(ROOT / "exports").as_posix()] = left

    asked = {
        name: left
        for name, left in found.items()
        if not name.startswith(FOR_PROGRAMS + BEFORE_LANGUAGES)
    }
    assert asked == UNTRANSLATED


def test_only_whole_literals_are_marked() -> None:
    """A text that is put together before the look-up is never found in a catalogue."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files()
        for node in marked(ast.parse(path.read_text()))
        for argument in node.args
        if isinstance(argument, ast.JoinedStr | ast.BinOp)
    ]
    assert wrong == []


def test_nothing_is_marked_where_gettext_does_not_look() -> None:
    """gettext misreads f-strings, and characters written by number or name."""
    wrong = []
    for path in python_files():
        source = path.read_text()
        tree = ast.parse(source)
        inside = {
            call
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for call in marked(node)
            if isinstance(call.args[0], ast.Constant)
        }
        named = {
            call
            for call in marked(tree)
            if re.search(r"\\[NUux]", ast.get_source_segment(source, call) or "")
        }
        wrong += [f"{path.relative_to(ROOT)}:{call.lineno}" for call in inside | named]
    assert wrong == []


def marked(tree: ast.AST) -> list[ast.Call]:
    """The calls below `tree` that mark or translate a message."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in found if called(call) in MARKS]


def _said(compiled: gettext.GNUTranslations, message: Message) -> list[str]:
    context, text, plural = message
    if plural and context:
        return [compiled.npgettext(context, text, plural, number) for number in (1, 2)]
    if plural:
        return [compiled.ngettext(text, plural, number) for number in (1, 2)]
    return [compiled.pgettext(context, text) if context else compiled.gettext(text)]


def _message_count(path: Path) -> int:
    """From the head of the file: magic number, revision, number of strings."""
    count: int = struct.unpack("<3I", path.read_bytes()[:12])[2]
    return count


def _texts(node: ast.AST) -> Iterator[str]:
    """The strings below a node, but for docstrings and what is marked for translation."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Call) and called(node) in MARKS:
        return
    if isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "One" for part in node.values
        )
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _texts(child)
