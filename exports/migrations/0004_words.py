"""Columns and the stored trigger get the words the pages use; no value is lost."""

from django.db import migrations, models


def _rename_trigger(before, after):
    def change(apps, schema_editor):
        runs = apps.get_model("exports", "Run").objects.using(schema_editor.connection.alias)
        runs.filter(trigger=before).update(trigger=after)

    return change


_RENAMED = {
    "start_id": "boundary_id",
    "skips_known": "leaves_out_known",
    "skipped_count": "left_out_count",
    "reexport_of": "again_of",
    "reexport_ids": "again_ids",
    "stalled_count": "lost_count",
    "copy_temp_name": "copy_draft",
}


class Migration(migrations.Migration):
    dependencies = [("exports", "0003_failures_and_copies")]

    operations = [
        migrations.RemoveIndex(model_name="run", name="run_own_newest"),
        migrations.RemoveIndex(model_name="run", name="run_with_batches"),
        *[
            migrations.RenameField(model_name="run", old_name=before, new_name=after)
            for after, before in _RENAMED.items()
        ],
        migrations.RunPython(
            _rename_trigger("again", "reexport"),
            _rename_trigger("reexport", "again"),
            elidable=True,
        ),
        migrations.AlterField(
            model_name="run",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("manual", "Run now"),
                    ("command", "Command line"),
                    ("failure", "On Failure Task"),
                    ("reexport", "Export again"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("trigger", "reexport"), _negated=True),
                fields=["task", "-id"],
                name="run_own_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(
                    ("batch_count__gt", 0), models.Q(("trigger", "reexport"), _negated=True)
                ),
                fields=["task", "-id"],
                name="run_with_batches",
            ),
        ),
    ]
