"""The task as typed in its form, even while other fields are wrong; for the live texts."""

import copy
from datetime import datetime

from django.core.exceptions import ValidationError

from exports.forms.tasks import TaskForm
from exports.models import Connection, Task

# The date that each mode uses; All uses none.
DATE_OF = {"modified": "date_modified", "new": "date_created", "all": ""}


def draft(form: TaskForm, connection: Connection | None) -> Task | None:
    """An unsaved task with this connection and the typed mode and dates.

    With a typed date it has no pk, so that the date is taken literally; otherwise it has the pk of
    the stored task, whose runs moved the date. None while the mode or its date is invalid.
    """
    export = str(form["export"].value())
    if export not in DATE_OF:
        return None
    drafted = copy.copy(form.before) if form.before else Task()
    drafted.export = export
    if connection is not None:
        drafted.connection = connection
    if name := DATE_OF[export]:
        moment = _moment(form, name)
        if moment is None:
            return None
        if form.before is None or moment not in (_stored(form, name), _shown(form, name)):
            drafted.pk = None
            setattr(drafted, name, moment)
    return drafted


def chosen_connection(form: TaskForm) -> Connection | None:
    """The chosen connection, or None."""
    value = form["connection"].value()
    if form.before is not None and str(value) == str(form.before.connection_id):
        return form.before.connection
    try:
        chosen: Connection | None = form.fields["connection"].clean(value)
    except ValidationError:
        return None
    return chosen


def _stored(form: TaskForm, name: str) -> datetime | None:
    return getattr(form.before, name, None)


def _shown(form: TaskForm, name: str) -> datetime | None:
    return _moment(form, f"{name}_shown")


def _moment(form: TaskForm, name: str) -> datetime | None:
    try:
        moment: datetime | None = form.fields[name].clean(form[name].value())
    except ValidationError:
        return None
    return moment
