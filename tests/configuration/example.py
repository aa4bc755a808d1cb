"""The documented example file, and short ways to load it."""

from collections.abc import Mapping

import pytest
from django.db.models import Model

from exports import configuration
from exports.configuration import ConfigurationError, Loaded, Outcome
from exports.models import Condition, Connection, DateChange, Task

EXAMPLE = """\
connections:
  - name: Acme
    site: https://na.myconnectwise.net
    company: acme
    public_key: AbCdEf
    private_key_env: CWEXPORT_KEY_ACME
    client_id: 11111111-2222-3333-4444-555555555555
tasks:
  - name: Nightly batches
    connection: Acme
    export: modified            # modified | new | all
    date_created: 2020-01-01T00:00:00Z
    date_modified: 2020-01-01T00:00:00Z
    page_size: 1000
    output_file: batches.xml
    include_extra_fields: false
    conditions:
      - {field: exportInvoicesFlag, comparison: Equal, value: "True", logic: Or}
      - {field: batchIdentifier, comparison: Like, value: '"2026*"'}
"""
KEY = 'pK-"é&<9\\z'
ENVIRONMENT = {"CWEXPORT_KEY_ACME": KEY}
CONNECTION_AS_IS = Outcome("connection", "Acme", is_new=False, changes=())
TASK_AS_IS = Outcome("task", "Nightly batches", is_new=False, changes=())

needs_database = pytest.mark.django_db


def load(
    text: str = EXAMPLE,
    environment: Mapping[str, str] = ENVIRONMENT,
    *,
    sets_dates: bool = False,
    is_check: bool = False,
) -> Loaded:
    file = configuration.read(text.encode())
    return configuration.load(file, environment, sets_dates=sets_dates, is_check=is_check)


def problems(text: str, environment: Mapping[str, str] = ENVIRONMENT) -> list[str]:
    """The errors, as `LINE: sentence`; checks that nothing was changed."""
    before = rows()
    with pytest.raises(ConfigurationError) as refused:
        load(text, environment, sets_dates=True)
    assert rows() == before
    return str(refused.value).splitlines()


def rows() -> list[list[dict[str, object]]]:
    """All rows that a load may change, to compare before and after."""
    tables: tuple[type[Model], ...] = (Connection, Task, Condition, DateChange)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


def changed(before: str, after: str, text: str = EXAMPLE) -> str:
    """The example with one text replaced."""
    assert text.count(before) == 1, before
    return text.replace(before, after)
