from django.conf import settings
from django.db import migrations

ROLES = ("viewer", "operator", "admin")


def make_everybody_admin(apps, schema_editor):
    """Until now everybody who could log in could do everything, and still can after an upgrade."""
    alias = schema_editor.connection.alias
    group_model = apps.get_model("auth", "Group")
    user_model = apps.get_model(*settings.AUTH_USER_MODEL.split("."))
    groups = {name: group_model.objects.using(alias).get_or_create(name=name)[0] for name in ROLES}
    users = user_model.objects.using(alias).filter(is_active=True)
    groups["admin"].user_set.add(*users.values_list("pk", flat=True))


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("exports", "0030_api_tokens"),
    ]

    # Backwards the groups stay: without their table nobody reads them.
    operations = [migrations.RunPython(make_everybody_admin, migrations.RunPython.noop)]
