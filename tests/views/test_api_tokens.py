"""A person makes, sees and revokes tokens; an admin those of everybody (rule I2)."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exports.access.roles import Role, set_role
from exports.models import ApiToken, AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.rule("I2")]


def signed_in_as(name: str, role: Role) -> Client:
    user = User.objects.create_user(name, password="correct horse")
    set_role(user, role)
    client = Client()
    client.post("/login/", {"username": name, "password": "correct horse"})
    return client


def make(client: Client, **typed: object) -> str:
    values = {"name": "import", "scope": "read", "days": "30", **typed}
    page = client.post("/account/tokens/new/", values).content.decode()
    found = re.search(r'value="(cwx_[\w-]+)"', page)
    return found[1] if found else ""


@pytest.mark.rule("L1")
def test_token_is_shown_once_and_revoked() -> None:
    client = signed_in_as("clerk", Role.OPERATOR)

    text = make(client, scope="run")

    token = ApiToken.objects.of_text(text)
    assert token is not None
    listed = client.get("/account/tokens/").content.decode()
    assert token.hint in listed
    assert text not in listed
    assert (
        client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {text}"}).json()["items"]
        == []
    )

    client.post(f"/account/tokens/{token.pk}/revoke/")

    refused = client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {text}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "token.revoked")
    entries = AuditEntry.objects.filter(object_type="api_token").order_by("id")
    assert [entry.action for entry in entries] == ["token.created", "token.revoked"]
    assert not any(text in str(entry.changes) for entry in entries)


def test_form_offers_only_scopes_of_own_role() -> None:
    client = signed_in_as("viewer", Role.VIEWER)

    assert make(client, scope="run") == ""
    assert make(client, days="10000") == ""
    assert not ApiToken.objects.exists()
    assert make(client, scope="read")


def test_only_admins_reach_tokens_of_others() -> None:
    owner, other = signed_in_as("owner", Role.VIEWER), signed_in_as("other", Role.OPERATOR)
    admin = signed_in_as("boss", Role.ADMIN)
    make(owner)
    token = ApiToken.objects.get()

    assert other.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    assert other.get("/settings/tokens/").status_code == 403
    assert other.post(f"/settings/tokens/{token.pk}/revoke/").status_code == 403
    assert ApiToken.objects.get().revoked_at is None
    assert token.hint in admin.get("/settings/tokens/").content.decode()

    admin.post(f"/settings/tokens/{token.pk}/revoke/")

    assert ApiToken.objects.get().revoked_by == User.objects.get(username="boss")
