"""The audit log; the database itself refuses to change it or to delete from it too early.

A later migration that rebuilds the table on SQLite loses the triggers with it: end it with
`migrations.RunPython(protect, unprotect)` of this module. A test tries to change and to delete.
"""

import django.utils.timezone
from django.db import migrations, models


_REFUSAL = "The audit log can only grow."
_TABLE = "exports_auditentry"
_SQLITE = {
    "audit_refuse_update": f"BEFORE UPDATE ON {_TABLE} BEGIN {{refuse}} END",
    # Until the day that was written into the entry with it.
    "audit_refuse_delete": (
        f"BEFORE DELETE ON {_TABLE} WHEN OLD.kept_until >= date('now') BEGIN {{refuse}} END"
    ),
    # INSERT OR REPLACE deletes the former row without its trigger.
    "audit_refuse_replace": (
        f"BEFORE INSERT ON {_TABLE} WHEN EXISTS (SELECT 1 FROM {_TABLE} WHERE id = NEW.id) "
        "BEGIN {refuse} END"
    ),
}
_POSTGRESQL = {
    "audit_refuse_update": f"BEFORE UPDATE ON {_TABLE} FOR EACH ROW",
    "audit_refuse_delete": (
        f"BEFORE DELETE ON {_TABLE} FOR EACH ROW "
        "WHEN (OLD.kept_until >= (now() AT TIME ZONE 'UTC')::date)"
    ),
    "audit_refuse_truncate": f"BEFORE TRUNCATE ON {_TABLE} FOR EACH STATEMENT",
}


def protect(apps, schema_editor):
    unprotect(apps, schema_editor)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE FUNCTION exports_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
            params=None,
        )
        for name, when in _POSTGRESQL.items():
            schema_editor.execute(
                f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION exports_audit_refuse()", params=None
            )
        return
    refuse = f"SELECT RAISE(ABORT, '{_REFUSAL}');"
    for name, when in _SQLITE.items():
        schema_editor.execute(f"CREATE TRIGGER {name} {when.format(refuse=refuse)}", params=None)


def unprotect(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in _POSTGRESQL:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {_TABLE}", params=None)
        schema_editor.execute("DROP FUNCTION IF EXISTS exports_audit_refuse()", params=None)
        return
    for name in _SQLITE:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}", params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0033_run_tallies'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('kept_until', models.DateField()),
                ('actor_kind', models.CharField(choices=[('person', 'Person'), ('token', 'Token'), ('command', 'Command'), ('worker', 'Worker'), ('anonymous', 'Not logged in')], max_length=10)),
                ('actor_name', models.CharField(blank=True, max_length=150)),
                ('actor_user_id', models.BigIntegerField(null=True)),
                ('program', models.CharField(blank=True, max_length=100)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('request_id', models.CharField(blank=True, max_length=64)),
                ('action', models.CharField(max_length=60)),
                ('object_type', models.CharField(blank=True, max_length=40)),
                ('object_id', models.CharField(blank=True, max_length=64)),
                ('object_name', models.CharField(blank=True, max_length=200)),
                ('changes', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['-recorded_at', '-id'], name='audit_newest'), models.Index(fields=['actor_name', '-recorded_at', '-id'], name='audit_actor'), models.Index(fields=['action', '-recorded_at', '-id'], name='audit_action'), models.Index(fields=['object_type', 'object_id', '-recorded_at', '-id'], name='audit_object'), models.Index(fields=['object_type', '-recorded_at', '-id'], name='audit_type')],
                'constraints': [models.CheckConstraint(condition=models.Q(('action', ''), _negated=True), name='audit_entry_says_what')],
            },
        ),
        migrations.RunPython(protect, unprotect),
    ]
