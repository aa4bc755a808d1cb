"""The history of the sample installation: weeks of real runs on a moving clock, then today.

Runs, files, ledger and dates are made by the product against the stand-in ConnectWise.
"""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from random import Random

from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client

from exports.demo.answers import LIST, Request
from exports.demo.faults import Delay, Nothing, Status
from exports.demo.server import StandIn
from exports.live_checks import connection_check
from exports.models import (
    Channel,
    Connection,
    Delivery,
    DueTime,
    Run,
    Schedule,
    Task,
    Workflow,
    WorkflowRun,
)
from exports.notifications.testing import test_channel
from exports.schedules.planning import save_planned
from exports.schedules.ticking import tick
from exports.workers import jobs
from exports.workers.workflow_jobs import advance_workflows, start_workflow
from tests.browser.sample import records
from tests.browser.sample.clock import Clock
from tests.browser.sample.long_names import make_long_names
from tests.run_files import run_file

_FORBIDDEN = json.dumps(
    {"code": "Forbidden", "message": "You do not have security permission to perform this action."}
).encode()
# Pages of the run that stays active: the first ones are fast, so that there is a rate.
_FAST_PAGES, _SLOW = 24, 20.0
_LOCKED_OUT = "locked-out"


def simulate(stand_in: StandIn, user: User, day_count: int, *, is_calm: bool) -> dict[str, int]:
    """Everything up to now; returns the primary keys for the catalogue of pages, by name."""
    clock, now = Clock(stand_in), datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with clock.at(midnight - timedelta(days=day_count + 1)):
        keys = records.make_connections(stand_in) | records.make_channels()
        acme, sandbox = Connection.objects.order_by("pk")[:2]
        keys |= records.make_tasks(acme, sandbox, user)
        _run(records.FORMER, user)
        Task.objects.get(name=records.FORMER).archive()
    for ago in range(day_count, 0, -1):
        _play_day(stand_in, user, clock, midnight - timedelta(days=ago))
    with clock.at(now - timedelta(minutes=5)):
        keys |= _schedule(now)
        keys |= _end_calmly(stand_in, user) if is_calm else _play_today(stand_in, user)
    if not is_calm:
        keys |= _play_now(stand_in, user, keys)
    keys["delivery"] = Delivery.objects.filter(run=keys["run"]).latest("pk").pk
    return keys | records.make_destinations() | records.make_users()


def _schedule(now: datetime) -> dict[str, int]:
    """One that was due every night, of which one fired, and one at the end of the month."""
    made = []
    for name, text in ((records.NIGHTLY, "30 2 * * *"), (records.EXPENSES, "0 18 L * *")):
        schedule = Schedule(task=_task(name), cron=text, zone="Europe/Berlin", catch_up="none")
        save_planned(schedule, now - timedelta(days=10))
        made.append(schedule.pk)
    # Away for all these nights.
    tick(now - timedelta(minutes=5), jobs.queue_scheduled)
    fired = DueTime.objects.filter(schedule=made[0]).newest_first()[0]
    rows = DueTime.objects.filter(pk=fired.pk)
    run = Run.objects.filter(task=_task(records.NIGHTLY)).newest_first()[0]
    rows.update(state="fired", run=run, reason_code="", reason="")
    return {"schedule": made[0]}


def _play_now(stand_in: StandIn, user: User, keys: dict[str, int]) -> dict[str, int]:
    """With the true clock, as these are looked at in this state."""
    waiting = jobs.queue_run(_task(records.ARCHIVE), Run.Trigger.MANUAL, user)
    for key in ("connection", "failed_connection"):
        connection_check.test_connection(Connection.objects.get(pk=keys[key]))
    _lock_out()
    for task in make_long_names(user):
        _run(task.name, user)
    test_channel(Channel.objects.get(pk=keys["channel"]))
    quarter_end = _workflow("Quarter end", records.ARCHIVE, records.NIGHTLY)
    return {
        "queued_run": waiting.pk,
        "running_run": _keep_running(stand_in, user),
        # Its first task is queued elsewhere.
        "waiting_workflow_run": start_workflow(quarter_end, WorkflowRun.Trigger.MANUAL, user).pk,
        "new_workflow": _workflow("Year end", records.ARCHIVE).pk,
    }


def _end_calmly(stand_in: StandIn, user: User) -> dict[str, int]:
    """One run failed, one was started by hand; only tasks with a history stay."""
    has_history = (records.NIGHTLY, records.EXPENSES, records.PRODUCTS, records.ARCHIVE)
    Task.objects.exclude(name__in=(*has_history, records.FORMER)).delete()
    _change_batches(stand_in, datetime.now(UTC), Random(0))
    with stand_in.faults.on(Status(403, body=_FORBIDDEN)):
        _run(records.EXPENSES, user, Run.Trigger.COMMAND)
    return {"run": _run(records.NIGHTLY, user).pk}


def _play_day(stand_in: StandIn, user: User, clock: Clock, midnight: datetime) -> None:
    """An evening's exports; the day alone decides which run and which fail."""
    day = midnight.toordinal()
    random = Random(day)
    evening = midnight + timedelta(hours=18)
    _change_batches(stand_in, evening, random)
    with clock.at(evening + timedelta(minutes=random.randint(15, 40))):
        _run(records.NIGHTLY, user, Run.Trigger.COMMAND)
    with clock.at(evening + timedelta(minutes=random.randint(50, 80))):
        if day % 9 == 4:
            with stand_in.faults.on(Status(403, body=_FORBIDDEN)):
                _run(records.EXPENSES, user, Run.Trigger.COMMAND)
        else:
            _run(records.EXPENSES, user, Run.Trigger.COMMAND)
    if day % 2:
        with clock.at(evening + timedelta(minutes=random.randint(90, 120))):
            _run(records.PRODUCTS, user)
    if day % 7 == 1:
        with clock.at(evening + timedelta(hours=3)):
            _run(records.ARCHIVE, user)


def _play_today(stand_in: StandIn, user: User) -> dict[str, int]:
    keys = _play_workflows(stand_in, user) | {
        "large_run": _run(records.ARCHIVE, user).pk,
        "lost_file_run": _run(records.ARCHIVE, user).pk,
    }
    run_file(Run.objects.get(pk=keys["lost_file_run"])).unlink()
    _change_batches(stand_in, datetime.now(UTC), Random(0))
    with stand_in.faults.on(Status(429, retry_after="1", on=(LIST,), times=1, after=1)):
        keys["run"] = _run(records.NIGHTLY, user).pk
    with stand_in.faults.on(Status(403, body=_FORBIDDEN)):
        keys["failed_run"] = _run(records.EXPENSES, user).pk
    _run(records.PRODUCTS, user)
    with stand_in.faults.on(Nothing()):
        keys["suspicious_run"] = _run(records.PRODUCTS, user).pk
    keys["cancelled_run"] = _cancel_on_the_way(stand_in, user)
    again = jobs.queue_reexport(
        _task(records.NIGHTLY), user, of_run=Run.objects.get(pk=keys["run"])
    )
    keys["again_run"] = _execute(again).pk
    _type_date(_task(records.NIGHTLY), user)
    return keys


def _play_workflows(stand_in: StandIn, user: User) -> dict[str, int]:
    workflow = _workflow("Month end", records.NIGHTLY, records.EXPENSES, records.ARCHIVE)
    return {
        "workflow": workflow.pk,
        "workflow_run": _run_workflow(stand_in, workflow, user),
        "failed_workflow_run": _run_workflow(stand_in, workflow, user, records.EXPENSES),
    }


def _workflow(name: str, *tasks: str) -> Workflow:
    made = Workflow.objects.create(name=name, updated_by="accountant")
    made.replace_steps([_task(task) for task in tasks])
    return made


def _run_workflow(stand_in: StandIn, workflow: Workflow, user: User, failing: str = "") -> int:
    """All steps, one after another; ConnectWise refuses the task `failing`."""
    started = start_workflow(workflow, WorkflowRun.Trigger.MANUAL, user)
    while run := Run.objects.queued().filter(trigger=Run.Trigger.WORKFLOW).first():
        if run.task_name == failing:
            with stand_in.faults.on(Status(403, body=_FORBIDDEN)):
                _execute(run)
        else:
            _execute(run)
        advance_workflows()
    return started.pk


def _change_batches(stand_in: StandIn, evening: datetime, random: Random) -> None:
    """A day's changes: new batches, and a few old ones that somebody edited."""
    for minute in range(random.randint(12, 40)):
        at = f"{evening - timedelta(minutes=9 * minute + 1):%Y-%m-%dT%H:%M:%SZ}"
        flags = ("exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")
        stand_in.store.add(
            {
                "id": 0,
                "batchIdentifier": "".join(filter(str.isdigit, at)),
                **{flag: random.random() < 0.6 for flag in flags},
                "closedFlag": True,
                "_info": {"lastUpdated": at, "updatedBy": random.choice(("Admin1", "Accounts"))},
            }
        )
    for touched in random.sample(stand_in.store.ids[-200:], 5):
        stand_in.store.touch(touched, f"{evening:%Y-%m-%dT%H:%M:%SZ}", closedFlag=True)


def _run(name: str, user: User, trigger: str = Run.Trigger.MANUAL) -> Run:
    by = user if trigger == Run.Trigger.MANUAL else None
    return _execute(jobs.queue_run(_task(name), trigger, by))


def _execute(run: Run) -> Run:
    """What a worker does with a queued run, in this process."""
    jobs.execute_here(run.pk, run.attempt)
    return Run.objects.get(pk=run.pk)


def _task(name: str) -> Task:
    return Task.objects.get(name=name)


def _cancel_on_the_way(stand_in: StandIn, user: User) -> int:
    """A run that is cancelled while its third page is being fetched."""
    run = jobs.queue_run(_task(records.CLOSING), Run.Trigger.MANUAL, user)
    lists: list[Request] = []

    def cancel(request: Request) -> None:
        if request.endpoint == LIST:
            lists.append(request)
        if len(lists) == 6:
            Run.objects.get(pk=run.pk).cancel(user)
            database.close()

    stand_in.on_request(cancel)
    with stand_in.faults.on(Delay(1.5, on=(LIST,), after=6)):
        return _execute(run).pk


def _keep_running(stand_in: StandIn, user: User) -> int:
    run = jobs.queue_run(_task(records.AUDIT), Run.Trigger.MANUAL, user)
    for fault in (
        Status(503, on=(LIST,), when=_is_of_audit, times=1, after=4, retry_after="1"),
        Delay(0.3, on=(LIST,), when=_is_of_audit),
        Delay(_SLOW, on=(LIST,), when=_is_of_audit, after=_FAST_PAGES),
    ):
        stand_in.faults.add(fault)
    threading.Thread(target=_execute, args=(run,), daemon=True).start()
    while Run.objects.get(pk=run.pk).page_count < _FAST_PAGES // 2:
        time.sleep(0.1)
    return run.pk


def _is_of_audit(request: Request) -> bool:
    """Only pages of its size, so that a preview requested meanwhile need not wait."""
    return request.query.get("pageSize") == "5"


def _type_date(task: Task, user: User) -> None:
    """As on the task's page: export the batches of the last two days once more."""
    before = Task.objects.get(pk=task.pk)
    task.date_modified = before.date_modified - timedelta(days=2)
    task.save()
    task.record_typed_dates(before, user, "The bank asked for these again")
    task.undo_date("date_modified", user)


def _lock_out() -> None:
    client = Client(headers={"host": "127.0.0.1"})
    for _ in range(10):
        client.post("/login/", {"username": _LOCKED_OUT, "password": "guessed"})
    # A lock lasts fifteen minutes, and the tests may look at it later than that.
    AccessAttempt.objects.update(attempt_time=datetime.now(UTC) + timedelta(days=1))
