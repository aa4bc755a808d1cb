"""Channels in a configuration file: loaded, compared, dumped; secrets as variables (N1, C5)."""

import pytest

from exports import configuration
from exports.configuration.writing import current_configuration
from exports.models import Channel, Task

pytestmark = pytest.mark.django_db

FILE = """
channels:
  - name: Accounting
    kind: email
    language: de
    settings:
      to: anna@example.com
    events: [failed, recovered]
    tasks: [Nightly batches]
  - name: Hook
    kind: webhook
    settings:
      url: https://hooks.example.com/cwexport
    secrets_env:
      secret: CWEXPORT_KEY_HOOK_SECRET
"""
KEYS = {"CWEXPORT_KEY_HOOK_SECRET": "correct horse battery"}


def load(text: str, environment: dict[str, str] = KEYS) -> configuration.Loaded:
    return configuration.load(configuration.read(text.encode()), environment)


def problems(text: str, environment: dict[str, str] = KEYS) -> list[str]:
    with pytest.raises(configuration.ConfigurationError) as caught:
        load(text, environment)
    return [f"{one.line}: {one.sentence}" for one in caught.value.problems]


@pytest.mark.rule("N1")
def test_file_makes_channels(task: Task) -> None:
    loaded = load(FILE)

    assert [(one.kind, one.name, one.is_new) for one in loaded.outcomes] == [
        ("channel", "Accounting", True),
        ("channel", "Hook", True),
    ]
    mail, hook = Channel.objects.order_by("name")
    assert mail.settings == {"to": "anna@example.com"}
    assert (mail.language, mail.is_for_all) == ("de", False)
    assert list(mail.tasks.all()) == [task]
    assert mail.subscribed_codes() == {"failed", "recovered"}
    assert hook.read_secrets() == {"secret": "correct horse battery"}
    assert "missed" in hook.subscribed_codes()
    assert load(FILE).outcomes[0].changes == ()


def test_dump_can_be_loaded(task: Task) -> None:
    load(FILE)
    task.report, task.report_channel = "always", Channel.objects.get(name="Accounting")
    task.save()

    text = current_configuration()
    assert "correct horse" not in text
    assert "report_channel: Accounting" in text
    again = load(text, {})

    assert all(not one.is_new and not one.changes for one in again.outcomes)
    assert Channel.objects.get(name="Hook").read_secrets()["secret"] == "correct horse battery"
    assert list(Channel.objects.get(name="Accounting").tasks.all()) == [task]


def test_changes_are_named(task: Task) -> None:
    load(FILE)

    changed = load(FILE.replace("anna@", "bert@").replace("    tasks: [Nightly batches]\n", ""))

    assert changed.outcomes[0].changes == ("to: anna@example.com → bert@example.com",)
    assert not Channel.objects.get(name="Accounting").is_for_all


@pytest.mark.rule("C5")
def test_other_address_needs_the_secret_again(task: Task) -> None:
    load(FILE)

    found = problems(FILE.replace("hooks.example.com", "other.example.com"), {})

    assert len(found) == 1
    assert found[0].startswith("13: ") or "Type it again" in found[0]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("kind: email", "kind: e-mail", "There is no kind of channel e-mail"),
        ("to: anna@example.com", "to: anna", "no mail address"),
        ("to: anna@example.com", "too: anna@example.com", "no setting of this kind"),
        ("[failed, recovered]", "[failed, burnt]", "burnt"),
        ("[Nightly batches]", "[Nightly invoices]", "There is no task Nightly invoices"),
        ("CWEXPORT_KEY_HOOK_SECRET", "SECRET_KEY", "belongs to this installation"),
        ("CWEXPORT_KEY_HOOK_SECRET", "HOME", "is not read"),
        ("https://hooks.example.com", "ftp://hooks.example.com", "begins with https"),
        ("      secret: CW", "      password: CW", "no secret of this kind"),
        ("language: de", "language: fr", "fr"),
    ],
)
def test_wrong_file_changes_nothing(task: Task, before: str, after: str, words: str) -> None:
    assert before in FILE

    found = problems(FILE.replace(before, after))

    assert words in " ".join(found)
    assert not Channel.objects.exists()


def test_missing_secret_is_asked_for(task: Task) -> None:
    found = problems(FILE, {})

    assert "Type the secret" in " ".join(found)


def test_task_names_its_report(task: Task) -> None:
    load(FILE)
    text = current_configuration().replace(
        "break_on_failure: true", "break_on_failure: true\n    report: on_failure"
    )

    assert "Choose the channel" in " ".join(problems(text, {}))
    load(text.replace("on_failure\n", "on_failure\n    report_channel: Hook\n"), {})

    task.refresh_from_db()
    assert (task.report, str(task.report_channel)) == ("on_failure", "Hook")
    wrong = text.replace("on_failure\n", "on_failure\n    report_channel: Hoook\n")
    assert "Did you mean Hook?" in " ".join(problems(wrong, {}))
