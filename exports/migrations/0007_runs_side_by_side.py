"""Several runs side by side, of which one at a time waits for a dead host."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0006_state_as_data'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='answered_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='waits_for',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='exports.run'),
        ),
    ]
