"""dump_config writes what load_config reads."""

import re
from datetime import UTC, datetime, timedelta

from exports import configuration
from exports.connectwise.filter.conditions import Condition, quote
from exports.models import Connection, Task
from tests.configuration.example import load, needs_database, rows


@needs_database
def test_a_dump_has_the_documented_form() -> None:
    load()
    assert (
        configuration.current_configuration()
        == """\
connections:
  - name: Acme
    site: https://na.myconnectwise.net
    company: acme
    public_key: AbCdEf
    private_key_env: CWEXPORT_KEY_ACME
    client_id: 11111111-2222-3333-4444-555555555555
    parallel_requests: 4
    default: true
tasks:
  - name: Nightly batches
    connection: Acme
    export: modified
    date_created: 2020-01-01T00:00:00Z
    date_modified: 2020-01-01T00:00:00Z
    page_size: 1000
    output_file: batches.xml
    include_extra_fields: false
    conditions:
      - {field: exportInvoicesFlag, comparison: Equal, value: 'True', logic: Or}
      - {field: batchIdentifier, comparison: Like, value: '"2026*"'}
    references_to_fetch_page_size: 100
    enabled: true
    can_resume_from_failure: true
    break_on_failure: true
"""
    )


AWKWARD = [
    "null",
    "~",
    "yes",
    "0x1F",
    "2026-01-01",
    "1_000",
    "=",
    "a: b # c",
    "- x",
    "{run}",
    "*alias",
    "&anchor",
    "!tag",
    "'",
    '"',
    "Zoë 🧾 日本",
    "%YAML",
    "\\n",
    "x" * 100,
]


@needs_database
def test_loading_a_dump_changes_nothing_whatever_the_texts() -> None:
    load()
    for number, text in enumerate(AWKWARD):
        _save_awkward(number, text)
    Task.objects.get(name="yes").archive()
    before, dump = rows(), configuration.current_configuration()

    outcomes = load(dump, {}, sets_dates=True).outcomes

    assert {outcome.changes for outcome in outcomes} == {()}
    assert {outcome.is_new for outcome in outcomes} == {False}
    assert len(outcomes) == 2 * len(AWKWARD) + 1
    assert rows() == before


def _save_awkward(number: int, text: str) -> None:
    connection = Connection(
        name=text,
        site="https://cw.example.com:8443",
        company="c",
        public_key=text.replace(":", ""),
        client_id="c",
        parallel_requests=number % 8 + 1,
        is_default=number == 3,
    )
    connection.write_private_key(f"key {number}")
    connection.save()
    task = Task.objects.create(
        name=text,
        connection=connection,
        export="new",
        output_file=f"file-{number}.xml",
        enabled=False,
        can_resume_from_failure=False,
        break_on_failure=False,
        references_to_fetch_page_size=7,
        date_created=datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC) + timedelta(days=number),
        on_failure_task=Task.objects.get(name="Nightly batches"),
    )
    task.replace_conditions(
        [
            Condition(" batchIdentifier ", "Equal", quote(text.replace("\\", "")), "Or"),
            Condition("company/name", "NotEqual", "", "And"),
            Condition("id", "In", "(1,02, -3)", ""),
        ]
    )
    task.record_typed_dates(None, None)


@needs_database
def test_dump_recreates_the_same_rows() -> None:
    load()
    Connection.objects.update(is_default=False)
    Task.objects.update(enabled=False, date_created=datetime(2026, 5, 1, tzinfo=UTC))
    dump = configuration.current_configuration()
    Task.objects.all().delete()
    Connection.objects.all().delete()

    load(dump)

    assert configuration.current_configuration() == dump


@needs_database
def test_each_dumped_connection_has_its_own_variable() -> None:
    for name in ("Acme", "ACME", "acme!", "1st", "日本", "Zoë & Söhne"):
        made = Connection(name=name, site="https://a.example", company="a", public_key="a")
        made.write_private_key("k")
        made.save()

    dump = configuration.current_configuration()

    variables = re.findall(r"private_key_env: (\w+)", dump)
    assert sorted(variables) == [
        "CWEXPORT_KEY_1ST",
        "CWEXPORT_KEY_ACME",
        "CWEXPORT_KEY_ACME_2",
        "CWEXPORT_KEY_ACME_3",
        "CWEXPORT_KEY_CONNECTION",
        "CWEXPORT_KEY_ZOE_SOHNE",
    ]
