"""Activities, waits, errors and suspicions become codes, columns and messages that can be read in
any language. What earlier versions stored as a sentence stays and is shown as it is.
"""

from django.db import migrations, models

import exports.models.message_field

# Earlier versions stored these sentences, in the language of the installation.
_ACTIVITIES = {
    "Waiting for a worker": "waiting_for_worker",
    "Wartet auf einen Worker": "waiting_for_worker",
}
_ACTIVITY_CHOICES = [
    ("waiting_for_worker", "Waiting for a worker"),
    ("starting", "Starting"),
    ("preflight", "Asking ConnectWise what there is"),
    ("fetching", "Fetching batches"),
    ("counting", "Proving that nothing is missing"),
    ("validating", "Checking the file"),
    ("publishing", "Publishing the file"),
]


def translate_activities(apps, schema_editor):
    """An active run shows its next activity within seconds; until then, none that is a sentence."""
    runs = apps.get_model("exports", "Run").objects.using(schema_editor.connection.alias)
    for sentence, code in _ACTIVITIES.items():
        runs.filter(activity=sentence).update(activity=code)
    known = [code for code, _label in _ACTIVITY_CHOICES]
    runs.exclude(activity="").exclude(activity__in=known).update(activity="")


class Migration(migrations.Migration):
    dependencies = [("exports", "0005_deliveries")]

    operations = [
        migrations.RunPython(translate_activities, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="run",
            name="activity",
            field=models.CharField(
                blank=True,
                choices=_ACTIVITY_CHOICES,
                help_text="What it does right now.",
                max_length=30,
            ),
        ),
        migrations.AddField("run", "retry_at", models.DateTimeField(null=True)),
        migrations.AddField("run", "retry_number", models.PositiveSmallIntegerField(default=0)),
        migrations.AddField("run", "retry_limit", models.PositiveSmallIntegerField(default=0)),
        migrations.AddField("run", "retry_code", models.CharField(blank=True, max_length=60)),
        migrations.AddField(
            "run",
            "retry_reason",
            exports.models.message_field.MessageField(blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField("run", "error_code", models.CharField(blank=True, max_length=60)),
        migrations.AddField("run", "suspicion_code", models.CharField(blank=True, max_length=60)),
        migrations.AlterField(
            "run", "error", exports.models.message_field.MessageField(blank=True)
        ),
        migrations.AlterField(
            "run", "suspicion", exports.models.message_field.MessageField(blank=True)
        ),
        migrations.AlterField(
            "run", "window_reason", exports.models.message_field.MessageField(blank=True)
        ),
        migrations.AlterField("runlogentry", "message", exports.models.message_field.MessageField()),
    ]
