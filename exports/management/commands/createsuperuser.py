from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User
from django.db import transaction

from exports.access.roles import Role
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.joining import is_name_taken


class _Users:
    """The model as Django's command uses it; who is created is in the audit log as well."""

    def __getattr__(self, name: str) -> Any:
        return getattr(User, name)

    def __call__(self, **fields: Any) -> User:
        return User(**fields)

    @property
    def _default_manager(self) -> "_Users":
        return self

    def db_manager(self, database: str) -> "_Users":
        return self

    def get_by_natural_key(self, name: str) -> User:
        if not is_name_taken(name):
            raise User.DoesNotExist
        return User.objects.filter(username__iexact=name)[0]

    @transaction.atomic
    def create_superuser(self, **fields: Any) -> User:
        user = User.objects.create_superuser(**fields)
        record_action(AuditAction.USER_CREATED, user, {"role": ["", Role.ADMIN]})
        return user


class Command(createsuperuser.Command):
    """Django's own, which leaves an entry in the audit log with the user (rule L1)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.UserModel: Any = _Users()
