"""Whatever changes something by a POST, or hands out a file, leaves its entry in the audit log."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.access.roles import Role
from exports.api.application import api
from exports.models import (
    Acknowledgement,
    AuditEntry,
    Channel,
    Connection,
    Delivery,
    Destination,
    LoginSession,
    Message,
    OneTimeLink,
    Run,
    Schedule,
    Task,
    Workflow,
    WorkflowRun,
    record_event,
)
from exports.models.codes import EventCode
from exports.models.one_time_links import invite
from exports.schedules.planning import save_planned
from tests.access.test_rights_table import ADDRESSES
from tests.delivery.destinations import make_destination
from tests.notifications.conftest import hook_channel
from tests.run_files import manifest_file
from tests.screen_fixtures import fail, move_date, put_out, start, succeed
from tests.views.connection_pages import TYPED
from tests.views.form_data import edited, new_task
from tests.views.test_accept_count import doubtful
from tests.views.test_channels import typed as typed_channel
from tests.views.test_dates import MOVED, type_dates
from tests.views.test_destinations import SFTP
from tests.views.test_ledger import again
from tests.views.test_schedules import typed as typed_schedule
from tests.views.test_workflows import typed as typed_workflow

PASSWORD = "correct horse"
# POSTs that only show what is typed, or that lead elsewhere.
CHANGES_NOTHING = {
    "admin-login",
    "admin-password",
    "health",
    "metrics",
    "readiness",
    "schedule-outlook",
    "sign-on-start",
    "task-condition-check",
    "task-conditions",
    "task-description",
    "task-preview",
    "task-preview-unsaved",
    "workflow-steps",
}
# Tested where second factor and single sign-on are.
OF_SIGN_IN = {
    "emergency-login",
    "factor-app",
    "factor-app-remove",
    "factor-key",
    "factor-key-remove",
    "login-confirm",
    "recovery-codes",
    "recovery-codes-renew",
    "second-factor-check",
    "sign-on-callback",
    "sign-on-connect",
    "sign-on-disconnect",
    "user-reset-factors",
}


# Tested where links are: who opens one is nobody yet.
OF_USERS = {"one-time-link"}
# Tested where tokens and backups are.
OF_OTHERS = {
    "account-token-create",
    "account-token-revoke",
    "backup-go-on",
    "backup-take-in",
}
# What programs may do, by operation: each calls the verb that the page calls.
OF_API = {
    "cancel_run",
    "cancel_workflow_run",
    "deliver_again",
    "deliver_run",
    "pause_schedule",
    "resume_schedule",
    "resume_workflow_run",
    "run_task",
    "run_workflow",
}


class Scene:
    """A browser of a logged-in person, and the rows that the addresses are about."""

    def __init__(self, client: Client, user: User, connection: Connection, task: Task) -> None:
        self.client, self.user, self.connection, self.task = client, user, connection, task

    def post(self, name: str, /, *args: Any, **typed: Any) -> None:
        answer = self.client.post(reverse(name, args=args), typed)
        # The parts of a stream are made while it is read.
        b"".join(getattr(answer, "streaming_content", ()))

    def post_proven(self, name: str, /, *args: Any, **typed: Any) -> None:
        self.post("login-confirm", password="correct horse")
        self.post(name, *args, **typed)

    def get(self, name: str, *args: Any) -> None:
        answer: Any = self.client.get(reverse(name, args=args))
        assert answer.status_code == 200
        b"".join(answer.streaming_content if answer.streaming else ())

    def colleague(self, **fields: Any) -> User:
        return User.objects.create_user("Kim", **fields)

    def session_of(self, user: User) -> LoginSession:
        """Another browser of this user."""
        Client().force_login(user)
        return LoginSession.objects.filter(user=user).latest("pk")

    def end_session(self, user: User) -> None:
        self.post("user-end-session", user.pk, self.session_of(user).pk)

    def invitation(self) -> OneTimeLink:
        return invite(Role.VIEWER, "Admin1", user_name="Kim")[0]

    def channel(self) -> Channel:
        return hook_channel("https://127.0.0.1:9/hook")

    def destination(self) -> Destination:
        return make_destination("sftp", {"host": "127.0.0.1", "port": 9, "user": "acme"})

    def schedule(self, **fields: Any) -> Schedule:
        made = Schedule(task=self.task, cron="0 3 * * *", zone="UTC", **fields)
        save_planned(made, timezone.now())
        return made

    def workflow(self) -> Workflow:
        made = Workflow.objects.create(name="Month end")
        made.replace_steps([self.task])
        return made

    def workflow_run(self) -> WorkflowRun:
        return self.workflow().queue_run(WorkflowRun.Trigger.SCHEDULE)

    def failed_workflow_run(self) -> WorkflowRun:
        run = self.workflow_run()
        run.steps.update(state="failed")
        run.finish("failed", error="It failed.", code="workflow.step_failed")
        return run

    def message(self) -> Message:
        self.channel()
        record_event(EventCode.FAILED, task=self.task)
        return Message.objects.get()

    def moved(self) -> Task:
        move_date(self.task, succeed(self.task), "date_modified", MOVED)
        return Task.objects.get(pk=self.task.pk)

    def delivery(self) -> Delivery:
        run = succeed(self.task)
        Delivery.objects.plan(run)
        return run.deliveries.get()

    def run_with_proof(self) -> Run:
        run = succeed(self.task)
        manifest_file(run).write_text("{}")
        return run


def _acknowledge(scene: Scene) -> None:
    run = fail(scene.task)
    run.refresh_from_db()
    since = run.finished_at.isoformat() if run.finished_at else ""
    scene.post("attention-acknowledge", topic="runs", number=run.pk, since=since)


def _marked(scene: Scene) -> Run:
    run = succeed(scene.task)
    scene.post("run-mark", run.pk, "imported")
    return run


def _restart(scene: Scene) -> None:
    task = scene.task
    Task.objects.filter(pk=task.pk).update(export="modified")
    moved = scene.moved()
    Connection.objects.update(company="another")
    scene.post("task-from-now", moved.pk)


def _put_back(scene: Scene) -> None:
    moved = scene.moved()
    change = moved.date_changes.latest("id")
    scene.post("task-undo-date", moved.pk, change=change.pk)


def _archive(scene: Scene) -> None:
    succeed(scene.task)
    scene.post("task-archive", scene.task.pk)


def _reexport(scene: Scene) -> None:
    put_out(succeed(scene.task), 284)
    again(scene.client, scene.task, 284)


ACTS: dict[str, tuple[str, Callable[[Scene], object]]] = {
    "login": (
        "user.logged_in",
        lambda s: (s.client.logout(), s.post("login", username="Admin1", password=PASSWORD)),
    ),
    "logout": ("user.logged_out", lambda s: s.post("logout")),
    "password": (
        "user.password_changed",
        lambda s: s.post(
            "password",
            old_password=PASSWORD,
            new_password1="a horse of another colour",
            new_password2="a horse of another colour",
        ),
    ),
    "user-invite": (
        "user.invited",
        lambda s: s.post_proven("user-invite", person="Kim", role="viewer"),
    ),
    "user-role": (
        "user.role_changed",
        lambda s: s.post_proven("user-role", s.colleague().pk, role="admin"),
    ),
    "user-deactivate": (
        "user.deactivated",
        lambda s: s.post("user-deactivate", s.colleague().pk),
    ),
    "user-activate": (
        "user.activated",
        lambda s: s.post_proven("user-activate", s.colleague(is_active=False).pk),
    ),
    "user-password-link": (
        "user.password_link_made",
        lambda s: s.post_proven("user-password-link", s.colleague().pk),
    ),
    "user-end-sessions": (
        "session.ended",
        lambda s: s.post("user-end-sessions", s.session_of(s.colleague()).user_id),
    ),
    "user-end-session": ("session.ended", lambda s: s.end_session(s.colleague())),
    "invitation-renew": (
        "user.invitation_renewed",
        lambda s: s.post_proven("invitation-renew", s.invitation().pk),
    ),
    "invitation-revoke": (
        "user.invitation_revoked",
        lambda s: s.post("invitation-revoke", s.invitation().pk),
    ),
    "account-end-session": (
        "session.ended",
        lambda s: s.post("account-end-session", s.session_of(s.user).pk),
    ),
    "account-end-others": (
        "session.ended",
        lambda s: (s.session_of(s.user), s.post("account-end-others")),
    ),
    "connection-create": (
        "connection.created",
        lambda s: s.post("connection-create", **{**TYPED, "name": "Other"}),
    ),
    "connection-edit": (
        "connection.changed",
        lambda s: s.post("connection-edit", s.connection.pk, **{**TYPED, "company": "other"}),
    ),
    "connection-test": (
        "connection.tested",
        lambda s: s.post("connection-test", s.connection.pk),
    ),
    "connection-test-live": (
        "connection.tested",
        lambda s: s.post("connection-test-live", s.connection.pk),
    ),
    "connection-delete": (
        "connection.deleted",
        lambda s: (s.task.delete(), s.post("connection-delete", s.connection.pk)),
    ),
    "channel-create": (
        "channel.created",
        lambda s: s.client.post(
            reverse("channel-create", args=["webhook"]),
            typed_channel(kind_url="https://127.0.0.1:9/hook", kind_secret="typed-secret-words"),
        ),
    ),
    "channel-edit": (
        "channel.changed",
        lambda s: s.client.post(
            reverse("channel-edit", args=[s.channel().pk]),
            typed_channel(kind_url="https://127.0.0.1:9/hook/told", kind_secret=""),
        ),
    ),
    "channel-test": ("channel.tested", lambda s: s.post("channel-test", s.channel().pk)),
    "channel-test-live": (
        "channel.tested",
        lambda s: s.post("channel-test-live", s.channel().pk),
    ),
    "channel-delete": ("channel.deleted", lambda s: s.post("channel-delete", s.channel().pk)),
    "message-again": ("message.sent_again", lambda s: s.post("message-again", s.message().pk)),
    "destination-create": (
        "destination.created",
        lambda s: s.client.post(reverse("destination-create") + "?kind=sftp", SFTP),
    ),
    "destination-edit": (
        "destination.changed",
        lambda s: s.post("destination-edit", s.destination().pk, **SFTP),
    ),
    "destination-test": (
        "destination.tested",
        lambda s: s.post("destination-test", s.destination().pk),
    ),
    "destination-test-live": (
        "destination.tested",
        lambda s: s.post("destination-test-live", s.destination().pk),
    ),
    "destination-forget-host-key": (
        "destination.host_key_forgotten",
        lambda s: s.post("destination-forget-host-key", s.destination().pk),
    ),
    "destination-delete": (
        "destination.deleted",
        lambda s: s.post("destination-delete", s.destination().pk),
    ),
    "task-create": (
        "task.created",
        lambda s: s.post("task-create", **new_task(s.connection, name="Other")),
    ),
    "task-edit": (
        "task.changed",
        lambda s: s.post("task-edit", s.task.pk, **edited(s.task, name="Other")),
    ),
    "task-clone": (
        "task.created",
        lambda s: s.post("task-clone", s.task.pk, **new_task(s.connection, name="Other")),
    ),
    "attention-acknowledge": ("attention.acknowledged", _acknowledge),
    "attention-undo": (
        "attention.acknowledgement_undone",
        lambda s: (_acknowledge(s), s.post("attention-undo", Acknowledgement.objects.get().pk))[1],
    ),
    "task-run-selected": (
        "run.queued",
        lambda s: s.post("task-run-selected", task=s.task.pk),
    ),
    "task-run": ("run.queued", lambda s: s.post("task-run", s.task.pk)),
    "task-archive": ("task.archived", _archive),
    "task-destinations": ("task.changed", lambda s: s.post("task-destinations", s.task.pk)),
    "task-dates": (
        "task.dates_set",
        lambda s: type_dates(s.client, s.task, date_modified="2021-01-01T00:00:00Z"),
    ),
    "task-undo-date": ("task.date_undone", _put_back),
    "task-from-now": ("task.started_from_now", _restart),
    "task-ledger-reexport": ("run.reexported", _reexport),
    "workflow-create": (
        "workflow.created",
        lambda s: s.client.post(reverse("workflow-create"), typed_workflow([s.task])),
    ),
    "workflow-edit": (
        "workflow.changed",
        lambda s: s.client.post(
            reverse("workflow-edit", args=[s.workflow().pk]), typed_workflow([s.task] * 2)
        ),
    ),
    "workflow-start": (
        "workflow_run.queued",
        lambda s: s.post("workflow-start", s.workflow().pk),
    ),
    "workflow-archive": (
        "workflow.deleted",
        lambda s: s.post("workflow-archive", s.workflow().pk),
    ),
    "workflow-run-cancel": (
        "workflow_run.cancelled",
        lambda s: s.post("workflow-run-cancel", s.workflow_run().pk),
    ),
    "workflow-run-resume": (
        "workflow_run.resumed",
        lambda s: s.post("workflow-run-resume", s.failed_workflow_run().pk),
    ),
    "schedule-create": (
        "schedule.created",
        lambda s: s.post("schedule-create", **typed_schedule(s.task)),
    ),
    "schedule-edit": (
        "schedule.changed",
        lambda s: s.post("schedule-edit", s.schedule().pk, **typed_schedule(s.task)),
    ),
    "schedule-pause": ("schedule.paused", lambda s: s.post("schedule-pause", s.schedule().pk)),
    "schedule-resume": (
        "schedule.resumed",
        lambda s: s.post("schedule-resume", s.schedule(is_paused=True).pk),
    ),
    "schedule-delete": (
        "schedule.deleted",
        lambda s: s.post("schedule-delete", s.schedule().pk),
    ),
    "run-redeliver": (
        "run.delivered_again",
        lambda s: s.post("run-redeliver", succeed(s.task).pk, destination=s.destination().pk),
    ),
    "delivery-try": (
        "delivery.tried",
        lambda s: s.post("delivery-try", s.delivery().pk),
    ),
    "run-cancel": ("run.cancelled", lambda s: s.post("run-cancel", start(s.task).pk)),
    "run-reexport": ("run.reexported", lambda s: s.post("run-reexport", succeed(s.task).pk)),
    "run-accept-count": (
        "run.count_accepted",
        lambda s: s.post("run-accept-count", doubtful(s.task).pk, reason="They were deleted"),
    ),
    "run-mark": (
        "run.marked",
        lambda s: s.post("run-mark", succeed(s.task).pk, "imported", note="Journal 7"),
    ),
    "run-unmark": ("run.mark_removed", lambda s: s.post("run-unmark", _marked(s).pk, "imported")),
    "housekeeping-clean-up": ("housekeeping.asked", lambda s: s.post("housekeeping-clean-up")),
    # What is handed out by a GET.
    "run-list-zip": (
        "run.file_downloaded",
        lambda s: (succeed(s.task), s.get("run-list-zip"))[1],
    ),
    "run-list-csv": ("history.exported", lambda s: s.get("run-list-csv")),
    "run-file": ("run.file_viewed", lambda s: s.get("run-file", succeed(s.task).pk)),
    "run-download": ("run.file_downloaded", lambda s: s.get("run-download", succeed(s.task).pk)),
    "run-manifest": (
        "run.proof_downloaded",
        lambda s: s.get("run-manifest", s.run_with_proof().pk),
    ),
    "ledger-csv": ("ledger.exported", lambda s: s.get("ledger-csv")),
    "task-ledger-csv": ("ledger.exported", lambda s: s.get("task-ledger-csv", s.task.pk)),
    "audit-list-csv": ("audit.exported", lambda s: s.get("audit-list-csv")),
    "run-log": ("run.log_downloaded", lambda s: s.get("run-log", succeed(s.task).pk)),
}


@pytest.fixture
def scene(signed_in: Client, user: User, connection: Connection, make_task: Any) -> Scene:
    return Scene(signed_in, user, connection, make_task())


@pytest.mark.rule("L1")
@pytest.mark.parametrize("name", ACTS)
def test_act_leaves_its_entry(scene: Scene, name: str) -> None:
    action, act = ACTS[name]

    act(scene)

    entries = AuditEntry.objects.filter(action=action)
    assert [entry.actor_name for entry in entries] == ["Admin1"]
    assert entries[0].actor_kind == "person"
    assert entries[0].address == "127.0.0.1"


@pytest.mark.rule("L1")
def test_every_address_is_in_the_table(signed_in: Client) -> None:
    """A new address that takes a POST fails here until it says which entry it leaves."""
    tested = {*ACTS, *CHANGES_NOTHING, *OF_SIGN_IN, *OF_USERS, *OF_OTHERS}
    others = [address for address in ADDRESSES if address[0] not in tested]

    taking = {name for name, url in others if _takes_post(signed_in, name, url)}

    assert taking == set()
    assert tested - {name for name, _url in ADDRESSES} == set()


def _takes_post(client: Client, name: str, url: str) -> bool:
    # In the administration nothing that has rules can be changed, which has a test of its own.
    if name.startswith(("admin:", "api")):
        return False
    return client.post(url).status_code != 405


def test_every_operation_is_in_the_table() -> None:
    paths = api.get_openapi_schema(path_prefix="/api/v1/")["paths"].values()
    operations = [one for path in paths for one in path.items()]

    assert {one["operationId"] for method, one in operations if method != "get"} == OF_API
