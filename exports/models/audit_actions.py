"""Every action that the audit log knows: a stable code and, for its label, what happened.

`docs/audit.md` lists them all.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditAction(models.TextChoices):
    """A code is `noun.verb`; its label is a sentence about `%(name)s`, the object.

    A run's sentence has its number as `%(id)s`.
    """

    CONNECTION_CREATED = "connection.created", _("Connection %(name)s was created")
    CONNECTION_CHANGED = "connection.changed", _("Connection %(name)s was changed")
    CONNECTION_DELETED = "connection.deleted", _("Connection %(name)s was deleted")
    CONNECTION_TESTED = "connection.tested", _("Connection %(name)s was tested")

    TASK_CREATED = "task.created", _("Task %(name)s was created")
    TASK_CHANGED = "task.changed", _("Task %(name)s was changed")
    TASK_DELETED = "task.deleted", _("Task %(name)s was deleted")
    TASK_ARCHIVED = "task.archived", _("Task %(name)s was archived")
    TASK_RESTORED = "task.restored", _("Task %(name)s was restored")
    DATES_SET = "task.dates_set", _("Dates of task %(name)s were set")
    DATE_UNDONE = "task.date_undone", _("A date of task %(name)s was put back")
    STARTED_FROM_NOW = "task.started_from_now", _("Task %(name)s goes on only from now on")

    ATTENTION_ACKNOWLEDGED = "attention.acknowledged", _("%(name)s was acknowledged")
    ACKNOWLEDGEMENT_UNDONE = (
        "attention.acknowledgement_undone",
        _("%(name)s needs attention again"),
    )

    SCHEDULE_CREATED = "schedule.created", _("Schedule %(name)s was created")
    SCHEDULE_CHANGED = "schedule.changed", _("Schedule %(name)s was changed")
    SCHEDULE_PAUSED = "schedule.paused", _("Schedule %(name)s was paused")
    SCHEDULE_RESUMED = "schedule.resumed", _("Schedule %(name)s was resumed")
    SCHEDULE_DELETED = "schedule.deleted", _("Schedule %(name)s was deleted")

    WORKFLOW_CREATED = "workflow.created", _("Workflow %(name)s was created")
    WORKFLOW_CHANGED = "workflow.changed", _("Workflow %(name)s was changed")
    WORKFLOW_DELETED = "workflow.deleted", _("Workflow %(name)s was deleted")
    WORKFLOW_ARCHIVED = "workflow.archived", _("Workflow %(name)s was archived")
    WORKFLOW_RESTORED = "workflow.restored", _("Workflow %(name)s was restored")

    DESTINATION_CREATED = "destination.created", _("Destination %(name)s was created")
    DESTINATION_CHANGED = "destination.changed", _("Destination %(name)s was changed")
    DESTINATION_DELETED = "destination.deleted", _("Destination %(name)s was deleted")
    DESTINATION_TESTED = "destination.tested", _("Destination %(name)s was tested")
    HOST_KEY_FORGOTTEN = (
        "destination.host_key_forgotten",
        _("The host key of destination %(name)s was forgotten"),
    )
    HOST_KEY_PINNED = (
        "destination.host_key_pinned",
        _("The host key of destination %(name)s was pinned"),
    )

    CHANNEL_CREATED = "channel.created", _("Channel %(name)s was created")
    CHANNEL_CHANGED = "channel.changed", _("Channel %(name)s was changed")
    CHANNEL_DELETED = "channel.deleted", _("Channel %(name)s was deleted")
    CHANNEL_TESTED = "channel.tested", _("Channel %(name)s was tested")
    MESSAGE_SENT_AGAIN = "message.sent_again", _("Message %(id)s to %(name)s is sent again")

    RUN_QUEUED = "run.queued", _("Run %(id)s of %(name)s was started")
    RUN_REEXPORTED = "run.reexported", _("Run %(id)s of %(name)s exports batches again")
    RUN_CANCELLED = "run.cancelled", _("Run %(id)s of %(name)s was cancelled")
    COUNT_ACCEPTED = "run.count_accepted", _("The count of run %(id)s of %(name)s was accepted")
    RUN_MARKED = "run.marked", _("Run %(id)s of %(name)s was marked")
    RUN_MARK_REMOVED = "run.mark_removed", _("A mark of run %(id)s of %(name)s was taken back")
    FILE_VIEWED = "run.file_viewed", _("The file of run %(id)s of %(name)s was viewed")
    FILE_DOWNLOADED = "run.file_downloaded", _("The file of run %(id)s of %(name)s was downloaded")
    PROOF_DOWNLOADED = (
        "run.proof_downloaded",
        _("The proof of run %(id)s of %(name)s was downloaded"),
    )
    LOG_DOWNLOADED = "run.log_downloaded", _("The log of run %(id)s of %(name)s was downloaded")
    DELIVERED_AGAIN = (
        "run.delivered_again",
        _("The file of run %(id)s of %(name)s is delivered again"),
    )
    DELIVERY_TRIED = "delivery.tried", _("Delivery %(id)s of %(name)s is tried at once")

    WORKFLOW_RUN_QUEUED = "workflow_run.queued", _("Workflow run %(id)s of %(name)s was started")
    WORKFLOW_RUN_RESUMED = (
        "workflow_run.resumed",
        _("Workflow run %(id)s of %(name)s goes on where one failed"),
    )
    WORKFLOW_RUN_CANCELLED = (
        "workflow_run.cancelled",
        _("Workflow run %(id)s of %(name)s was cancelled"),
    )

    TOKEN_CREATED = "token.created", _("Token %(name)s was created")
    TOKEN_REVOKED = "token.revoked", _("Token %(name)s was revoked")

    HISTORY_EXPORTED = "history.exported", _("The history was downloaded as CSV")
    LEDGER_EXPORTED = "ledger.exported", _("The ledger was downloaded as CSV")
    AUDIT_EXPORTED = "audit.exported", _("The audit log was downloaded as CSV")
    HOUSEKEEPING_ASKED = "housekeeping.asked", _("Housekeeping was started")
    HOUSEKEEPING_DONE = "housekeeping.done", _("Housekeeping deleted what was too old")
    BACKUP_MADE = "backup.made", _("A backup was made")
    BACKUP_RESTORED = "backup.restored", _("A backup was restored")
    RESTORE_CONFIRMED = "restore.confirmed", _("Exports may go on after a restore")
    FILE_TAKEN_IN = "restore.file_taken_in", _("%(name)s was taken into the ledger")
    SECRETS_ROTATED = "secrets.rotated", _("The secrets were encrypted with another key")
    SETTINGS_CHANGED = "instance.settings_changed", _("Settings of the installation were changed")

    LOGGED_IN = "user.logged_in", _("User %(name)s logged in")
    LOGIN_FAILED = "user.login_failed", _("A login as %(name)s failed")
    LOGGED_OUT = "user.logged_out", _("User %(name)s logged out")
    PASSWORD_CHANGED = "user.password_changed", _("The password of %(name)s was changed")
    USER_CREATED = "user.created", _("User %(name)s was created")
    USER_CHANGED = "user.changed", _("User %(name)s was changed")
    USER_INVITED = "user.invited", _("%(name)s was invited")
    INVITATION_RENEWED = "user.invitation_renewed", _("%(name)s got a new invitation")
    INVITATION_REVOKED = "user.invitation_revoked", _("The invitation of %(name)s was revoked")
    SET_UP_LINK_MADE = "user.set_up_link_made", _("A link for the first login was made")
    PASSWORD_LINK_MADE = "user.password_link_made", _("A password link for %(name)s was made")
    LINK_REFUSED = "user.link_refused", _("A one-time link of %(name)s was refused")
    ROLE_CHANGED = "user.role_changed", _("The role of %(name)s was changed")
    DEACTIVATED = "user.deactivated", _("User %(name)s was deactivated")
    ACTIVATED = "user.activated", _("User %(name)s was activated")
    SESSION_ENDED = "session.ended", _("Sessions of %(name)s were ended")
    FACTOR_ADDED = "user.factor_added", _("A second factor of %(name)s was added")
    FACTOR_REMOVED = "user.factor_removed", _("A second factor of %(name)s was removed")
    FACTORS_RESET = "user.factors_reset", _("The second factor of %(name)s was reset")
    RECOVERY_CODES_RENEWED = (
        "user.recovery_codes_renewed",
        _("Recovery codes of %(name)s were made anew"),
    )
    SIGN_ON_CONNECTED = "user.sign_on_connected", _("%(name)s was connected with single sign-on")
    SIGN_ON_DISCONNECTED = (
        "user.sign_on_disconnected",
        _("%(name)s was disconnected from single sign-on"),
    )
    SIGN_ON_REFUSED = "user.sign_on_refused", _("A single sign-on of %(name)s was refused")
    EMERGENCY_LINK_MADE = "user.emergency_link_made", _("An emergency link for %(name)s was made")
