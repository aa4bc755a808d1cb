"""The form says what New never exports."""

import pytest
from django.test import Client

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection
from tests.views.form_data import CREATE, new_task
from tests.views.test_task_description import described

pytestmark = pytest.mark.rule("W12")

CLOSED = Condition("closedFlag", "Equal", "True", "And")
FIXED = Condition("id", "GreaterThan", "5", "And")
SAID = "by a change of closedFlag, is never exported"


@pytest.mark.parametrize(
    ("export", "row", "is_said"),
    [("new", CLOSED, True), ("new", FIXED, False), ("modified", CLOSED, False)],
)
def test_form_names_conditions_met_late(
    signed_in: Client, connection: Connection, export: str, row: Condition, is_said: bool
) -> None:
    data = new_task(connection, FIXED, row, export=export)
    shown = " ".join(described(signed_in, data).next_run)
    saved = signed_in.post(CREATE, data, follow=True).content.decode()

    assert (SAID in shown) is is_said
    assert (SAID in saved) is is_said
