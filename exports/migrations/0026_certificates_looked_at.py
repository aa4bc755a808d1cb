from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0025_reports'),
    ]

    operations = [
        migrations.AddField(
            model_name='installation',
            name='looked_at',
            field=models.DateTimeField(null=True),
        ),
    ]
