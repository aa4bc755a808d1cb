from django.db import migrations, models

from exports import clock

# The moments that rows get by default, by the options of their fields.
_PLAIN = {
    "auditentry": ("recorded_at",),
    "datechange": ("changed_at",),
    "delivery": ("created_at", "next_try_at", "waits_since"),
    "deliveryattempt": ("started_at",),
    "emergencylogin": ("created_at",),
    "event": ("created_at",),
    "eventstate": ("since",),
    "loginsession": ("last_seen_at", "started_at"),
    "message": ("next_try_at", "queued_at"),
    "onetimelink": ("created_at",),
    "run": ("queued_at",),
    "runlogentry": ("logged_at",),
    "runmark": ("marked_at",),
    "workflowrun": ("queued_at",),
}
_NOT_EDITED = {
    "apitoken": ("created_at",),
    "channel": ("created_at", "updated_at"),
    "connection": ("created_at", "updated_at"),
    "destination": ("created_at", "updated_at"),
    "schedule": ("created_at", "updated_at"),
    "task": ("created_at", "updated_at"),
    "workflow": ("created_at", "updated_at"),
}
_INDEXED = {
    "idempotencykey": ("created_at",),
}


def _fields(names, **options):
    return [
        migrations.AlterField(model, name, models.DateTimeField(default=clock.now, **options))
        for model, fields in names.items()
        for name in fields
    ]


class Migration(migrations.Migration):
    """Rows get their moments from the clock of the database; no column changes."""

    dependencies = [("exports", "0041_worker_hosts")]

    operations = [
        # Only the state: for SQLite another default is a table to be made anew.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                *_fields(_PLAIN),
                *_fields(_NOT_EDITED, editable=False),
                *_fields(_INDEXED, db_index=True),
            ]
        )
    ]
