"""The copy for the export folder becomes a row of its own; those that are pending stay so."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


def _last_of_each_name(runs):
    """The newest run of each name, of the task that the name belonged to: the first that used it."""
    owners, last = {}, {}
    columns = ("pk", "task_id", "file_name", "output_file", "task__output_file")
    told = runs.filter(status="succeeded", batch_count__gt=0, task__archived_at=None)
    for pk, task, name, output_file, current in (
        told.exclude(trigger="reexport").order_by("pk").values_list(*columns).iterator()
    ):
        if output_file == current and owners.setdefault(name.lower(), task) == task:
            last[name.lower()] = pk
    return last


def _make_deliveries(apps, schema_editor):
    alias = schema_editor.connection.alias
    runs = apps.get_model("exports", "Run").objects.using(alias)
    deliveries = apps.get_model("exports", "Delivery").objects.using(alias)
    delivery = deliveries.model
    rows = {
        pk: delivery(run_id=pk, destination="export_folder", name_key=name, state="delivered")
        for name, pk in _last_of_each_name(runs).items()
    }
    for run in runs.filter(is_copy_pending=True):
        rows[run.pk] = delivery(
            run_id=run.pk,
            destination="export_folder",
            name_key=run.file_name.lower(),
            temp_name=run.copy_temp_name,
        )
    deliveries.bulk_create([rows[pk] for pk in sorted(rows)], batch_size=1000)


def _keep_pending(apps, schema_editor):
    alias = schema_editor.connection.alias
    runs = apps.get_model("exports", "Run").objects.using(alias)
    deliveries = apps.get_model("exports", "Delivery").objects.using(alias)
    for row in deliveries.filter(state__in=["waiting", "sending"]):
        runs.filter(pk=row.run_id).update(is_copy_pending=True, copy_temp_name=row.temp_name)


class Migration(migrations.Migration):
    dependencies = [("exports", "0004_words")]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="exports.run",
                    ),
                ),
                (
                    "destination",
                    models.CharField(choices=[("export_folder", "Export folder")], max_length=20),
                ),
                ("name_key", models.CharField(max_length=250)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "Sending"),
                            ("delivered", "Delivered"),
                            ("superseded", "Replaced by a newer run"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("attempt_count", models.PositiveIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("owner", models.CharField(blank=True, max_length=64)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("temp_name", models.CharField(blank=True, max_length=100)),
                ("finished_at", models.DateTimeField(null=True)),
                ("error_code", models.CharField(blank=True, max_length=50)),
                ("error_detail", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("run", "destination"), name="one_delivery_each"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["waiting", "sending", "delivered", "superseded", "failed"],
                            )
                        ),
                        name="badge_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "failed"), _negated=True),
                            models.Q(("error_code", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="failed_delivery_says_why",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "sending"])),
                        fields=["id"],
                        name="delivery_open",
                    ),
                    models.Index(fields=["destination", "name_key", "-id"], name="delivery_name"),
                ],
            },
        ),
        migrations.RunPython(_make_deliveries, _keep_pending, elidable=True),
        migrations.RemoveIndex(model_name="run", name="run_copy_pending"),
        migrations.RemoveField(model_name="run", name="copy_temp_name"),
        migrations.RemoveField(model_name="run", name="is_copy_pending"),
    ]
