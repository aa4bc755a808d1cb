"""The old columns of deliveries go, and the database holds the new rules."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("exports", "0020_destinations")]

    operations = [
        migrations.RemoveField("delivery", "old_destination"),
        migrations.RemoveField("delivery", "error_detail"),
        migrations.AddConstraint("delivery", models.UniqueConstraint(condition=Q(requested_by=""), fields=("run", "destination"), name="one_delivery_each")),
        migrations.AddConstraint("delivery", models.UniqueConstraint(condition=Q(state__in=["waiting", "sending"]), fields=("run", "destination"), name="one_open_delivery_each")),
        migrations.AddConstraint("delivery", models.UniqueConstraint(condition=Q(state="sending"), fields=("destination", "name_key"), name="one_sender_a_name")),
        migrations.AddIndex("delivery", models.Index(fields=["destination", "name_key", "-id"], name="delivery_name")),
        migrations.AddIndex("delivery", models.Index(fields=["state", "-id"], name="badge_newest")),
        migrations.AddIndex("delivery", models.Index(fields=["destination", "-id"], name="delivery_destination_newest")),
    ]
