"""What a file changes in connections and tasks, and what it leaves alone."""

from datetime import UTC, datetime

from pytest_django import Settings

from exports.configuration import Loaded, Outcome
from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, DateChange, Task
from tests.configuration.example import (
    CONNECTION_AS_IS,
    EXAMPLE,
    KEY,
    TASK_AS_IS,
    changed,
    load,
    needs_database,
    problems,
    rows,
)
from tests.screen_fixtures import succeed


@needs_database
def test_documented_file_makes_connection_and_task() -> None:
    loaded = load()

    assert loaded == Loaded(
        outcomes=(
            Outcome("connection", "Acme", is_new=True, changes=()),
            Outcome("task", "Nightly batches", is_new=True, changes=()),
        ),
        warnings=(),
    )
    connection, task = Connection.objects.get(), Task.objects.get()
    assert connection.name == "Acme"
    assert connection.site == "https://na.myconnectwise.net"
    assert (connection.company, connection.public_key) == ("acme", "AbCdEf")
    assert connection.client_id == "11111111-2222-3333-4444-555555555555"
    assert connection.read_private_key() == KEY
    assert connection.is_default
    assert (task.name, task.connection, task.export) == ("Nightly batches", connection, "modified")
    assert task.date_created == task.date_modified == datetime(2020, 1, 1, tzinfo=UTC)
    assert (task.page_size, task.output_file) == (1000, "batches.xml")
    assert (task.include_extra_fields, task.enabled) == (False, True)
    assert task.saved_conditions() == (
        Condition("exportInvoicesFlag", "Equal", "True", "Or"),
        Condition("batchIdentifier", "Like", '"2026*"', ""),
    )
    history = DateChange.objects.order_by("field").values_list("field", "origin", "reason")
    assert list(history) == [
        ("date_created", "typed", "load_config"),
        ("date_modified", "typed", "load_config"),
    ]


@needs_database
def test_missing_keys_have_the_documented_defaults(settings: Settings) -> None:
    settings.CONNECTWISE_CLIENT_ID = "11111111-2222-3333-4444-555555555555"
    load(
        "connections: [{name: Acme, site: na.myconnectwise.net, company: acme, public_key: k,"
        " private_key_env: CWEXPORT_KEY_ACME}]\n"
        "tasks: [{name: Small, export: ALL, output_file: small.xml}]\n"
    )

    connection, task = Connection.objects.get(), Task.objects.get()
    assert (connection.client_id, connection.site) == ("", "https://na.myconnectwise.net")
    assert (task.connection, task.export, task.page_size) == (connection, "all", 100)
    assert task.date_created == task.date_modified == datetime(1970, 1, 1, tzinfo=UTC)
    assert (task.include_extra_fields, task.enabled, task.on_failure_task) == (False, True, None)
    assert (task.can_resume_from_failure, task.break_on_failure) == (True, True)
    assert task.references_to_fetch_page_size == 100
    assert task.saved_conditions() == ()


@needs_database
def test_loading_twice_changes_nothing() -> None:
    load()
    before = rows()

    assert load(environment={}).outcomes == load().outcomes == (CONNECTION_AS_IS, TASK_AS_IS)
    assert rows() == before


@needs_database
def test_every_change_is_reported_with_both_values() -> None:
    load()
    text = changed("AbCdEf", "GhIjKl")
    text = changed("page_size: 1000", "page_size: 50", text)
    text = changed("include_extra_fields: false", "include_extra_fields: yes", text)
    text = changed("export: modified ", "export: New ", text)
    text = changed('value: "True", logic: Or', 'value: "False", logic: And', text)

    assert load(text, {"CWEXPORT_KEY_ACME": "another"}).outcomes == (
        Outcome(
            "connection",
            "Acme",
            is_new=False,
            changes=("public_key: AbCdEf → GhIjKl", "private key: replaced"),
        ),
        Outcome(
            "task",
            "Nightly batches",
            is_new=False,
            changes=(
                "export: modified → new",
                "page_size: 1000 → 50",
                "include_extra_fields: false → true",
                'conditions: exportInvoicesFlag Equal True Or batchIdentifier Like "2026*"'
                ' → exportInvoicesFlag Equal False And batchIdentifier Like "2026*"',
            ),
        ),
    )
    task = Task.objects.get()
    assert (task.export, task.page_size, task.include_extra_fields) == ("new", 50, True)
    assert task.saved_conditions()[0] == Condition("exportInvoicesFlag", "Equal", "False", "And")
    assert Connection.objects.get().read_private_key() == "another"


@needs_database
def test_a_check_tells_the_same_and_changes_nothing() -> None:
    load()
    before = rows()
    text = changed("page_size: 1000", "page_size: 50")
    text += "  - {name: Second, export: all, output_file: second.xml}\n"

    checked = load(text, is_check=True)

    assert rows() == before
    assert load(text) == checked
    assert [outcome.changes for outcome in checked.outcomes] == [(), ("page_size: 1000 → 50",), ()]
    assert [outcome.is_new for outcome in checked.outcomes] == [False, False, True]


@needs_database
def test_unnamed_objects_are_left_alone() -> None:
    load()
    other = changed("name: Nightly batches", "name: Other")
    load(changed("batches.xml", "other.xml", other))

    assert list(Task.objects.order_by("name").values_list("name", "output_file")) == [
        ("Nightly batches", "batches.xml"),
        ("Other", "other.xml"),
    ]


@needs_database
def test_omitted_conditions_go_but_connection_stays() -> None:
    load()
    second = Connection(name="Second", site="https://b.example", company="b", public_key="b")
    second.write_private_key("b")
    second.is_default = True
    second.save()
    Task.objects.update(enabled=False)
    text = EXAMPLE[: EXAMPLE.index("    conditions:")]

    outcomes = load(changed("    connection: Acme\n", "", text)).outcomes

    task = Task.objects.get()
    assert (task.enabled, task.connection.name, task.saved_conditions()) == (False, "Acme", ())
    assert [change.split(":")[0] for change in outcomes[1].changes] == ["conditions"]


@needs_database
def test_two_tasks_can_swap_their_output_files() -> None:
    load()
    task = "  - {name: %s, export: all, output_file: %s}\n"
    load("tasks:\n" + task % ("A", "a.xml") + task % ("B", "b.xml"))
    load("tasks:\n" + task % ("A", "b.xml") + task % ("B", "A.xml"))

    named = Task.objects.filter(name__in="AB").order_by("name")
    assert list(named.values_list("output_file", flat=True)) == ["b.xml", "A.xml"]


@needs_database
def test_default_moves_to_the_marked_connection() -> None:
    load()
    second = (
        "connections:\n  - {name: Second, site: b.example.com, company: b, public_key: b, "
        "private_key_env: CWEXPORT_KEY_ACME, client_id: b, default: %s}\n"
    )
    load(second % "false")
    assert list(Connection.objects.filter(is_default=True).values_list("name", flat=True)) == [
        "Acme"
    ]
    outcomes = load(second % "true").outcomes
    assert outcomes == (Outcome("connection", "Second", False, ("default: false → true",)),)
    assert list(Connection.objects.filter(is_default=True).values_list("name", flat=True)) == [
        "Second"
    ]
    marked = changed("name: Acme\n", "name: Acme\n    default: true\n")
    too_many = changed(
        "tasks:\n", (second % "true").removeprefix("connections:\n") + "tasks:\n", marked
    )
    assert problems(too_many) == ["9: Only one connection is the default, and line 3 names one."]


@needs_database
def test_task_without_connection_needs_a_default() -> None:
    text = "tasks: [{name: One, export: all, output_file: one.xml}]"
    assert problems(text) == ["1: Name a connection: there is no default one."]
    load()
    load(text)
    assert Task.objects.get(name="One").connection.name == "Acme"


@needs_database
def test_changed_company_is_taken_with_warning() -> None:
    load()
    succeed(Task.objects.get())
    loaded = load(changed("company: acme", "company: other"))
    [warning] = loaded.warnings
    assert warning.line == 2
    assert "start afresh" in warning.sentence
    assert "Nightly batches" in warning.sentence
