"""Destinations become rows; the export folder is the first one, and every task's default."""

import unicodedata

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import F, OuterRef, Q, Subquery

import exports.models.message_field

_EXPORT_FOLDER = "folder:"


def key_of(name):
    """As exports.models.name_keys has it in this version."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _add_export_folder(apps, schema_editor):
    """Also run in a new database, with the models of the newest version."""
    destinations = apps.get_model("exports", "Destination").objects
    destinations.using(schema_editor.connection.alias).create(
        name="Export folder", kind="folder", target_key=_EXPORT_FOLDER
    )


def _use_export_folder(apps, schema_editor):
    alias = schema_editor.connection.alias
    model = {name: apps.get_model("exports", name).objects.using(alias) for name in (
        "Destination", "TaskDestination", "Delivery", "Run", "Task"
    )}
    folder = model["Destination"].get(target_key=_EXPORT_FOLDER)
    model["TaskDestination"].bulk_create(
        [
            apps.get_model("exports", "TaskDestination")(task_id=pk, destination=folder)
            for pk in model["Task"].order_by("id").values_list("pk", flat=True)
        ],
        batch_size=1000,
    )
    file_name = model["Run"].filter(pk=OuterRef("run_id")).values("file_name")[:1]
    model["Delivery"].update(
        destination=folder,
        destination_name=folder.name,
        file_name=Subquery(file_name),
        waits_since=F("created_at"),
    )
    # What failed says so in its own words, as they were not kept as a sentence.
    model["Delivery"].exclude(error_code="").update(error=F("error_detail"))
    rows = model["Delivery"].order_by("id").values_list("pk", "file_name", "name_key")
    for pk, name, key in rows.iterator():
        if key != key_of(name):
            model["Delivery"].filter(pk=pk).update(name_key=key_of(name))


def _keep_export_folder(apps, schema_editor):
    """The version before knows the export folder alone."""
    alias = schema_editor.connection.alias
    deliveries = apps.get_model("exports", "Delivery").objects.using(alias)
    ours = Q(destination__target_key=_EXPORT_FOLDER, requested_by="", run__batch_count__gt=0)
    deliveries.exclude(ours).delete()
    apps.get_model("exports", "TaskDestination").objects.using(alias).all().delete()
    deliveries.update(destination=None)
    apps.get_model("exports", "Destination").objects.using(alias).all().delete()
    if schema_editor.connection.vendor == "postgresql":
        # It alters no table with constraints that are still to be checked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("exports", "0019_schedules")]

    operations = [
        migrations.CreateModel(
            name="Destination",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_by", models.CharField(blank=True, editable=False, max_length=150)),
                ("name", models.CharField(max_length=100, unique=True, verbose_name="Name")),
                ("kind", models.CharField(max_length=30, verbose_name="Kind")),
                ("address", models.JSONField(default=dict)),
                ("secrets_token", models.TextField(blank=True, editable=False)),
                ("host_key", models.TextField(blank=True, editable=False)),
                ("target_key", models.CharField(blank=True, editable=False, max_length=800)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("last_tested_at", models.DateTimeField(editable=False, null=True)),
                ("last_test_steps", models.JSONField(default=list, editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=~Q(target_key=""),
                        fields=("target_key",),
                        name="one_destination_a_target",
                    ),
                    models.CheckConstraint(
                        condition=~Q(name="") & ~Q(kind=""), name="destination_is_complete"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskDestination",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_template", models.CharField(blank=True, max_length=200)),
                ("sends_empty", models.BooleanField(default=False)),
                ("destination", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="exports.destination")),
                ("task", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="task_destinations", to="exports.task")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("task", "destination"), name="task_names_destination_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(
                    choices=[
                        ("sending", "Sending"),
                        ("delivered", "Delivered"),
                        ("superseded", "Replaced by a newer run"),
                        ("failed", "Failed"),
                        ("stopped", "Stopped: the worker ended"),
                    ],
                    default="sending",
                    max_length=10,
                )),
                ("error_code", models.CharField(blank=True, max_length=50)),
                ("error", exports.models.message_field.MessageField(blank=True)),
                ("delivery", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="exports.delivery")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("delivery", "number"), name="one_row_an_attempt"),
                    models.CheckConstraint(
                        condition=Q(outcome__in=["sending", "delivered", "superseded", "failed", "stopped"]),
                        name="attempt_outcome_is_known",
                    ),
                ],
            },
        ),
        migrations.RemoveConstraint("delivery", "one_delivery_each"),
        migrations.RemoveIndex("delivery", "delivery_name"),
        # With a default, so that the way back can fill it.
        migrations.AlterField("delivery", "destination", models.CharField(default="export_folder", max_length=20)),
        migrations.RenameField("delivery", "destination", "old_destination"),
        migrations.AddField("delivery", "destination", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="deliveries", to="exports.destination")),
        migrations.AddField("delivery", "destination_name", models.CharField(default="", max_length=100), preserve_default=False),
        migrations.AddField("delivery", "file_name", models.CharField(default="", max_length=250), preserve_default=False),
        migrations.AlterField("delivery", "name_key", models.CharField(max_length=750)),
        migrations.AddField("delivery", "requested_by", models.CharField(blank=True, max_length=150)),
        migrations.AddField("delivery", "waits_since", models.DateTimeField(default=django.utils.timezone.now)),
        migrations.AddField("delivery", "location", models.CharField(blank=True, max_length=1000)),
        migrations.AddField("delivery", "compared", models.CharField(blank=True, choices=[("", "Nothing"), ("size", "Size"), ("hash", "Size and SHA-256")], max_length=10)),
        migrations.AddField("delivery", "error", exports.models.message_field.MessageField(blank=True)),
        migrations.RunPython(_add_export_folder, migrations.RunPython.noop),
        migrations.RunPython(_use_export_folder, _keep_export_folder, elidable=True),
    ]
