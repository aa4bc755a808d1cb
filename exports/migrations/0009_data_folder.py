"""The id by which a database and its data folder know each other."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0008_edited_rows'),
    ]

    operations = [
        migrations.CreateModel(
            name='Installation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('folder_id', models.CharField(max_length=32)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
