"""Counts of ended runs that outlive the history; they begin with what the history still knows."""

from datetime import timedelta

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Case, Count, DurationField, F, Max, Q, Sum, Value, When

_OWN = ~Q(trigger="reexport")


def count_history(apps, schema_editor):
    """Runs that are still there, and successes of which only the summary is."""
    ended = ["succeeded", "failed", "cancelled"]
    runs = apps.get_model("exports", "Run").objects.filter(status__in=ended).annotate(
        result=Case(
            When(Q(status="succeeded") & ~Q(suspicion=""), then=Value("suspicious")),
            default=F("status"),
        )
    )
    gone = (
        apps.get_model("exports", "RunSummary")
        .objects.exclude(pruned_at=None)
        .exclude(id__in=runs.values("id"))
        .annotate(result=Value("succeeded"))
    )
    tallies = {}
    for rows in (gone, runs):
        counted = rows.order_by().values("task_id", "result").annotate(
            runs=Count("id"),
            batches=Sum("batch_count"),
            took=Sum(F("finished_at") - F("started_at"), output_field=DurationField()),
            last=Max("finished_at", filter=_OWN),
        )
        for row in counted:
            tally = tallies.setdefault((row["task_id"], row["result"]), [0, 0, timedelta(), None])
            tally[0] += row["runs"]
            tally[1] += row["batches"] or 0
            tally[2] += row["took"] or timedelta()
            tally[3] = max(filter(None, (tally[3], row["last"])), default=None)
    RunTally = apps.get_model("exports", "RunTally")
    RunTally.objects.bulk_create(
        RunTally(
            task_id=task,
            result=result,
            run_count=runs,
            batch_count=batches,
            duration_ms=max(0, took // timedelta(milliseconds=1)),
            last_at=last,
        )
        for (task, result), (runs, batches, took, last) in tallies.items()
    )


class Migration(migrations.Migration):

    dependencies = [
        ('exports', '0032_login_sessions'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('result', models.CharField(choices=[('succeeded', 'Succeeded'), ('suspicious', 'Succeeded, suspicious'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], max_length=10)),
                ('run_count', models.PositiveBigIntegerField(default=0)),
                ('batch_count', models.PositiveBigIntegerField(default=0)),
                ('duration_ms', models.PositiveBigIntegerField(default=0)),
                ('last_at', models.DateTimeField(null=True)),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='exports.task')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('task', 'result'), name='one_tally_each_result')],
            },
        ),
        migrations.RunPython(count_history, migrations.RunPython.noop, elidable=True),
    ]
