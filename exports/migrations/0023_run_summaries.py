"""Ledger, dates and re-exports refer to a summary of a success, so that the run may be deleted."""

import re

import django.db.models.deletion
from django.conf import settings
from django.db import OperationalError, migrations, models

_REFERENCE = 'REFERENCES "{table}" ("id") DEFERRABLE INITIALLY DEFERRED'
_COLUMNS = (
    "id, task_id, task_name, site, company, conditions, export, trigger, requested_by_id, "
    "reexport_of_id, queued_at, started_at, finished_at, highest_id, batch_count, file_name, "
    "file_size, file_sha256"
)


def add_summaries(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO exports_runsummary ({_COLUMNS}, delivered_to) "
            f"SELECT {_COLUMNS}, '[]' FROM exports_run WHERE status = 'succeeded'"
        )
        if schema_editor.connection.vendor == "postgresql":
            # Otherwise tables with checks that wait for the commit cannot be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class PointElsewhere(migrations.AlterField):
    """Changes what a foreign key refers to, without reading the rows.

    On SQLite Django would copy the whole table, which may be millions of ledger rows. The numbers
    stay the same, so it is enough to rewrite the table's definition, in the way that SQLite's
    documentation of ALTER TABLE describes for removing a constraint.
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "sqlite" or not self._rewrite(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def _rewrite(self, schema_editor):
        table = f"exports_{self.model_name_lower}"
        before = re.escape(_REFERENCE.format(table="exports_run"))
        after = _REFERENCE.format(table="exports_runsummary") if self.field.db_constraint else ""
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
            (sql,) = cursor.fetchone()
            sql, count = re.subn(rf'("{self.name}_id" bigint[^,]*?) {before}', rf"\1 {after}", sql)
            if count != 1:
                return False
            cursor.execute("PRAGMA schema_version")
            (version,) = cursor.fetchone()
            cursor.execute("PRAGMA writable_schema = ON")
            try:
                cursor.execute(
                    "UPDATE sqlite_master SET sql = %s WHERE type = 'table' AND name = %s", [sql, table]
                )
                # Tells other connections to read the definition again.
                cursor.execute(f"PRAGMA schema_version = {version + 1}")
            except OperationalError:  # some builds of SQLite protect their definitions
                return False
            finally:
                cursor.execute("PRAGMA writable_schema = RESET")
        return True


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0022_success_alarm'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='run',
            name='caused_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='led_to', to='exports.run'),
        ),
        migrations.CreateModel(
            name='RunSummary',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('task_name', models.CharField(max_length=100)),
                ('site', models.CharField(max_length=255)),
                ('company', models.CharField(max_length=100)),
                ('conditions', models.TextField(blank=True)),
                ('export', models.CharField(max_length=10)),
                ('trigger', models.CharField(max_length=20)),
                ('queued_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('highest_id', models.BigIntegerField(null=True)),
                ('batch_count', models.PositiveIntegerField()),
                ('file_name', models.CharField(blank=True, max_length=250)),
                ('file_size', models.BigIntegerField(null=True)),
                ('file_sha256', models.CharField(max_length=64)),
                ('pruned_at', models.DateTimeField(null=True)),
                ('delivered_to', models.JSONField(default=list)),
                ('reexport_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='exports.runsummary')),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='run_summaries', to='exports.task')),
            ],
        ),
        migrations.RunPython(add_summaries, migrations.RunPython.noop, elidable=True),
        PointElsewhere(
            model_name='datechange',
            name='run',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='exports.runsummary'),
        ),
        PointElsewhere(
            model_name='ledgerentry',
            name='run',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='exports.runsummary'),
        ),
        PointElsewhere(
            model_name='run',
            name='reexport_of',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='exports.runsummary'),
        ),
        migrations.AddField("run", "pruned_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("pruned_at", None), _negated=True),
                fields=["id"],
                name="run_pruned",
            ),
        ),
        migrations.AddIndex(
            model_name='runsummary',
            index=models.Index(fields=['task', '-id'], name='run_summary_task_newest'),
        ),
        migrations.AddIndex(
            model_name='runsummary',
            index=models.Index(condition=models.Q(('pruned_at', None)), fields=['task', 'file_size'], name='run_summary_task_size'),
        ),
    ]
