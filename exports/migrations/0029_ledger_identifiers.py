from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0028_message_indexes'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='ledgerentry',
            name='ledger_task_batch',
        ),
        migrations.AddField(
            model_name='ledgerentry',
            name='batch_identifier',
            field=models.CharField(max_length=100, null=True),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(fields=['batch_id', 'task'], name='ledger_batch_task'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(Upper('batch_identifier'), condition=models.Q(batch_identifier__isnull=False), name='ledger_identifier'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(batch_identifier__isnull=True), fields=['run'], name='ledger_identifier_unknown'),
        ),
    ]
