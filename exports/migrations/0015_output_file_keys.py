"""Two tasks cannot share a file whose names differ in case or Unicode form only: the database compares
keys, not names. Its own lower case knows ASCII alone on SQLite, and Unicode forms nowhere.
"""

import unicodedata

from django.db import migrations, models
from django.db.models import Q


def key_of(name):
    """As exports.models.name_keys has it in this version."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def add_keys(apps, schema_editor):
    """Tasks that share a file already go on; whoever saves one of them is asked for another name."""
    tasks = apps.get_model("exports", "Task").objects.using(schema_editor.connection.alias)
    taken = set()
    for pk, name, archived_at in list(tasks.order_by("id").values_list("id", "output_file", "archived_at")):
        key = key_of(name)
        if archived_at is None:
            # No name has a slash.
            key = f"{key}/{pk}" if key in taken else key
            taken.add(key)
        tasks.filter(pk=pk).update(output_file_key=key)


class Migration(migrations.Migration):
    dependencies = [("exports", "0014_extra_hash")]

    operations = [
        migrations.AddField(
            "task",
            "output_file_key",
            models.CharField(default="", editable=False, max_length=650),
            preserve_default=False,
        ),
        migrations.RunPython(add_keys, migrations.RunPython.noop, elidable=True),
        migrations.RemoveConstraint("task", "output_file_is_unique"),
        migrations.AddConstraint(
            "task",
            models.UniqueConstraint(
                fields=["output_file_key"],
                condition=Q(archived_at=None),
                name="output_file_is_unique",
            ),
        ),
    ]
