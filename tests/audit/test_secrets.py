"""No secret is in any entry, whatever was done with it."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from exports.models import AuditEntry, Connection, Task
from tests.audit.test_every_address import PASSWORD, SFTP
from tests.views.connection_pages import TYPED
from tests.views.test_channels import typed as typed_channel

# A key of characters that every encoding writes differently.
SECRET = 'kEy-"é&<9\\z+%/='
WEBHOOK = "typed-secret-words-for-hooks"
OTHER = "0ther-" + SECRET


def _spellings(secret: str) -> set[str]:
    raw = secret.encode()
    plain = {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")}
    return {*plain, base64.b64encode(raw).decode(), raw.hex(), repr(secret)[1:-1]}


@pytest.mark.rule("L1", "C3")
def test_no_secret_is_in_any_entry(signed_in: Client, user: User, connection: Connection) -> None:
    post = signed_in.post
    for secret in (SECRET, OTHER):
        post("/connections/new/", {**TYPED, "name": secret[:5], "private_key": secret})
        post(f"/connections/{connection.pk}/", {**TYPED, "private_key": secret})
        webhook = {"kind_url": "https://127.0.0.1:9/hook", "kind_secret": WEBHOOK}
        post("/channels/new/webhook/", typed_channel(name=secret[:5], **webhook))
        destination = {**SFTP, "name": secret[:5], "password": secret}
        post(reverse("destination-create") + "?kind=sftp", destination)
        # Typed into the wrong field, or as a wrong password.
        Client().post("/login/", {"username": secret, "password": PASSWORD})
        Client().post("/login/", {"username": "Admin1", "password": secret})
        post("/settings/housekeeping/clean-up/", {"note": secret})
    new = {"new_password1": f"a horse {SECRET}", "new_password2": f"a horse {SECRET}"}
    post("/password/", {"old_password": PASSWORD, **new})
    call_command("rotate_keys")

    entries = list(AuditEntry.objects.values())
    text = json.dumps(entries, default=str, ensure_ascii=False) + repr(entries)
    actions = {entry["action"] for entry in entries}

    assert {"connection.created", "connection.changed", "channel.created"} <= actions
    assert {"destination.created", "user.login_failed", "user.password_changed"} <= actions
    hidden = _spellings(SECRET) | _spellings(WEBHOOK)
    assert [one for one in hidden if one in text] == []


@pytest.mark.rule("L1")
def test_login_in_an_address_is_left_out(task: Task) -> None:
    from exports.models import AuditAction, record_action

    values: Any = {"address.url": [None, "https://anna:s3cret@example.com/x"]}
    entry = record_action(AuditAction.TASK_CHANGED, task, values)

    assert entry.changes == {"address.url": [None, "https://…@example.com/x"]}


@pytest.fixture
def task(make_task: Any) -> Task:
    made: Task = make_task()
    return made
