import django.db.models.deletion
import django.utils.timezone
import exports.models.message_field
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0017_workflows'),
    ]

    operations = [
        migrations.CreateModel(
            name='EventState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=150, unique=True)),
                ('state', models.CharField(default='ok', max_length=20)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('count', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_by', models.CharField(blank=True, editable=False, max_length=150)),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='Name')),
                ('kind', models.CharField(max_length=30)),
                ('is_enabled', models.BooleanField(default=True, verbose_name='Enabled')),
                ('language', models.CharField(default='en', max_length=10, verbose_name='Language')),
                ('settings', models.JSONField(default=dict)),
                ('secrets_token', models.TextField(blank=True, editable=False)),
                ('is_for_all', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_sent_at', models.DateTimeField(editable=False, null=True)),
                ('last_tested_at', models.DateTimeField(editable=False, null=True)),
                ('last_test_steps', models.JSONField(default=list, editable=False)),
                ('failing_since', models.DateTimeField(editable=False, null=True)),
                ('failure_code', models.CharField(blank=True, editable=False, max_length=50)),
                ('failure', exports.models.message_field.MessageField(blank=True, editable=False)),
                ('failure_count', models.PositiveIntegerField(default=0, editable=False)),
                ('paused_until', models.DateTimeField(editable=False, null=True)),
                ('tasks', models.ManyToManyField(blank=True, related_name='channels', to='exports.task')),
            ],
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(choices=[('failed', 'Failed'), ('recovered', 'Succeeded again'), ('suspicious', 'Succeeded, suspicious'), ('missed', 'Missed'), ('on_time_again', 'On time again'), ('no_success', 'No success for too long'), ('success_again', 'No longer without a success'), ('delivery_failed', 'Delivery failed'), ('delivery_recovered', 'Delivered again'), ('workflow_failed', 'Workflow failed'), ('workflow_recovered', 'Workflow succeeded again'), ('no_worker_alive', 'No worker is alive'), ('worker_back', 'A worker is alive again'), ('disk_nearly_full', 'The disk is nearly full'), ('disk_ok', 'The disk has room again'), ('key_refused', 'The keys of a connection are refused'), ('key_accepted', 'The keys of a connection work again'), ('certificate_expiring', 'A certificate expires soon'), ('certificate_renewed', 'A certificate was renewed'), ('report', 'Report of a run')], max_length=30)),
                ('subject', models.CharField(max_length=150)),
                ('subject_name', models.CharField(blank=True, max_length=200)),
                ('workflow_number', models.BigIntegerField(null=True)),
                ('workflow_run_number', models.BigIntegerField(null=True)),
                ('schedule_number', models.BigIntegerField(null=True)),
                ('delivery_number', models.BigIntegerField(null=True)),
                ('reason', exports.models.message_field.MessageField(blank=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('state_before', models.CharField(blank=True, max_length=20)),
                ('before_since', models.DateTimeField(null=True)),
                ('before_count', models.PositiveIntegerField(default=0)),
                ('connection', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='events', to='exports.connection')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='events', to='exports.run')),
                ('task', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='events', to='exports.task')),
            ],
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order_key', models.CharField(max_length=150)),
                ('with_log', models.BooleanField(default=False)),
                ('with_file', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed')], default='waiting', max_length=10)),
                ('queued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('attempt_count', models.PositiveIntegerField(default=0)),
                ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('owner', models.CharField(blank=True, max_length=64)),
                ('heartbeat_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=50)),
                ('error', exports.models.message_field.MessageField(blank=True)),
                ('answer', models.CharField(blank=True, max_length=300)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='exports.channel')),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='exports.event')),
            ],
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(choices=[('failed', 'Failed'), ('recovered', 'Succeeded again'), ('suspicious', 'Succeeded, suspicious'), ('missed', 'Missed'), ('on_time_again', 'On time again'), ('no_success', 'No success for too long'), ('success_again', 'No longer without a success'), ('delivery_failed', 'Delivery failed'), ('delivery_recovered', 'Delivered again'), ('workflow_failed', 'Workflow failed'), ('workflow_recovered', 'Workflow succeeded again'), ('no_worker_alive', 'No worker is alive'), ('worker_back', 'A worker is alive again'), ('disk_nearly_full', 'The disk is nearly full'), ('disk_ok', 'The disk has room again'), ('key_refused', 'The keys of a connection are refused'), ('key_accepted', 'The keys of a connection work again'), ('certificate_expiring', 'A certificate expires soon'), ('certificate_renewed', 'A certificate was renewed'), ('report', 'Report of a run')], max_length=30)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='exports.channel')),
            ],
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), models.Q(('kind', ''), _negated=True)), name='channel_is_complete'),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(('failing_since', None), models.Q(('failure_code', ''), _negated=True), _connector='OR'), name='failing_channel_says_why'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['created_at'], name='event_created'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('state__in', ['waiting', 'sending'])), fields=['channel', 'order_key', 'id'], name='message_open'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['-id'], name='message_newest'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(fields=('event', 'channel'), name='one_message_each'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'sending', 'sent', 'failed'])), name='message_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('error_code', ''), _negated=True), _connector='OR'), name='failed_message_says_why'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['code'], name='subscription_code'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.UniqueConstraint(fields=('channel', 'code'), name='one_subscription_each'),
        ),
    ]
