

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='run',
            name='run_status_newest',
        ),
        migrations.AddIndex(
            model_name='datechange',
            index=models.Index(fields=['task', 'field', 'origin', '-id'], name='date_change_origin'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['status', '-id', 'started_at'], name='run_status_newest'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['-id'], name='run_newest'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['trigger', '-id'], name='run_trigger_newest'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['task_name', '-id'], name='run_name_newest'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['batch_count', 'id'], name='run_batches'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['file_size', 'id'], name='run_size'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('suspicion', ''), _negated=True), fields=['-id'], name='run_suspicious'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('batch_count__gt', 0)), fields=['task', '-id'], name='run_with_batches'),
        ),
    ]
