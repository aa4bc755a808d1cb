from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0034_audit_log'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='runsummary',
            index=models.Index(fields=['finished_at'], name='run_summary_finished'),
        ),
    ]
