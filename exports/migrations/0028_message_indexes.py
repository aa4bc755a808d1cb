from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0027_housekeeping'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='message',
            name='message_open',
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['state', 'id'], name='message_state'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['order_key', 'channel', 'state', 'id'], name='message_order'),
        ),
    ]
