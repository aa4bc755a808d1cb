from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exports", "0015_output_file_keys")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["status", "finished_at"], name="run_status_finished"),
        ),
    ]
