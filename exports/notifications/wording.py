"""What people are told about each event: a table of sentences (rule N3).

`%(task)s` is the subject's name: of a task, a workflow, a connection or a folder.
"""

from dataclasses import dataclass

from exports.connectwise.language import gettext_noop
from exports.models.codes import EventCode

# For the preview, and where an event has no reason of its own.
_NEXT_RUN = gettext_noop(
    "You are told again when it has succeeded, not with every further failure."
)
_OVER = gettext_noop("There is nothing to do.")


@dataclass(frozen=True)
class Wording:
    """The subject line, what happened, what to do, and what happens next."""

    subject: str
    happened: str
    to_do: str
    next: str = ""


WORDING: dict[str, Wording] = {
    EventCode.FAILED: Wording(
        gettext_noop("%(task)s failed"),
        gettext_noop("%(task)s failed. Nothing was exported and no date moved."),
        gettext_noop("See to the reason, then run the task again: it exports what is missing."),
        _NEXT_RUN,
    ),
    EventCode.SUSPICIOUS: Wording(
        gettext_noop("%(task)s succeeded, but is suspicious"),
        gettext_noop("%(task)s wrote its file, but somebody should look at it."),
        gettext_noop(
            "Compare the count with ConnectWise. If it is right, accept it on the run's page with "
            "a reason."
        ),
        gettext_noop(
            "Until then no date moves: each run fetches everything since, so nothing is lost."
        ),
    ),
    EventCode.RECOVERED: Wording(
        gettext_noop("%(task)s succeeded again"),
        gettext_noop("%(task)s succeeded again. What was missing is in its file."),
        _OVER,
    ),
    EventCode.MISSED: Wording(
        gettext_noop("%(task)s was missed"),
        gettext_noop("%(task)s was due and has not succeeded in time."),
        gettext_noop("Look at its schedule and its last run, then run it by hand."),
        gettext_noop("You are told when it is on time again, not with every further miss."),
    ),
    EventCode.ON_TIME_AGAIN: Wording(
        gettext_noop("%(task)s is on time again"),
        gettext_noop("%(task)s succeeded in time again."),
        _OVER,
    ),
    EventCode.NO_SUCCESS: Wording(
        gettext_noop("%(task)s had no success for too long"),
        gettext_noop("%(task)s has not succeeded for as long as its setting allows."),
        gettext_noop("Look at its last runs, see to the reason, then run it by hand."),
        gettext_noop("You are told when it has succeeded."),
    ),
    EventCode.SUCCESS_AGAIN: Wording(
        gettext_noop("%(task)s has succeeded"),
        gettext_noop("%(task)s has succeeded, after a long time without a success."),
        _OVER,
    ),
    EventCode.DELIVERY_FAILED: Wording(
        gettext_noop("%(task)s: its file was not delivered"),
        gettext_noop("The export of %(task)s succeeded, but its file does not reach its place."),
        gettext_noop("See to the reason. The file can be downloaded on the run's page meanwhile."),
        gettext_noop("It is tried again by itself; you are told when files arrive again."),
    ),
    EventCode.DELIVERY_RECOVERED: Wording(
        gettext_noop("%(task)s: files are delivered again"),
        gettext_noop("Files of %(task)s reach their place again."),
        _OVER,
    ),
    EventCode.WORKFLOW_FAILED: Wording(
        gettext_noop("The workflow %(task)s failed"),
        gettext_noop("The workflow %(task)s failed."),
        gettext_noop("See to the step that failed, then resume the workflow on its run's page."),
        gettext_noop("You are told again when it has succeeded."),
    ),
    EventCode.WORKFLOW_RECOVERED: Wording(
        gettext_noop("The workflow %(task)s succeeded again"),
        gettext_noop("The workflow %(task)s succeeded again."),
        _OVER,
    ),
    EventCode.NO_WORKER_ALIVE: Wording(
        gettext_noop("No worker is alive: nothing is exported"),
        gettext_noop("No worker has given a sign of life: no task runs and no file is delivered."),
        gettext_noop("Start cwexport again on its machine (manage.py serve, or its service)."),
        gettext_noop("What is due waits, or is recorded as missed. You are told when one is back."),
    ),
    EventCode.WORKER_BACK: Wording(
        gettext_noop("A worker is alive again"),
        gettext_noop("A worker is alive again: what waited is worked off."),
        _OVER,
    ),
    EventCode.DISK_NEARLY_FULL: Wording(
        gettext_noop("The disk is nearly full"),
        gettext_noop("The disk that holds %(task)s is nearly full."),
        gettext_noop("Make room. Settings > Housekeeping shows what cwexport itself uses."),
        gettext_noop("When it is full, runs fail; what was exported before stays whole."),
    ),
    EventCode.DISK_OK: Wording(
        gettext_noop("The disk has room again"),
        gettext_noop("The disk that holds %(task)s has room again."),
        _OVER,
    ),
    EventCode.KEY_REFUSED: Wording(
        gettext_noop("ConnectWise refuses the keys of %(task)s"),
        gettext_noop("ConnectWise refuses the keys of the connection %(task)s, so its tasks fail."),
        gettext_noop("Enter keys that are valid on the connection, then test it."),
        gettext_noop("You are told when they work."),
    ),
    EventCode.KEY_ACCEPTED: Wording(
        gettext_noop("ConnectWise accepts the keys of %(task)s again"),
        gettext_noop("The keys of the connection %(task)s work again."),
        _OVER,
    ),
    EventCode.CERTIFICATE_EXPIRING: Wording(
        gettext_noop("A certificate of %(task)s expires soon"),
        gettext_noop("The certificate of the server that %(task)s calls expires soon."),
        gettext_noop("Tell who runs that server: once it has expired, runs fail."),
        gettext_noop("You are told when it was renewed."),
    ),
    EventCode.CERTIFICATE_RENEWED: Wording(
        gettext_noop("The certificate of %(task)s was renewed"),
        gettext_noop("The certificate of the server that %(task)s calls was renewed."),
        _OVER,
    ),
}

REPORTS: dict[str, Wording] = {
    "succeeded": Wording(
        gettext_noop("Report: %(task)s succeeded"),
        gettext_noop("%(task)s succeeded."),
        _OVER,
    ),
    "suspicious": Wording(
        gettext_noop("Report: %(task)s succeeded, but is suspicious"),
        WORDING[EventCode.SUSPICIOUS].happened,
        WORDING[EventCode.SUSPICIOUS].to_do,
        WORDING[EventCode.SUSPICIOUS].next,
    ),
    "failed": Wording(
        gettext_noop("Report: %(task)s failed"),
        WORDING[EventCode.FAILED].happened,
        WORDING[EventCode.FAILED].to_do,
    ),
}
WORKFLOW_REPORTS: dict[str, Wording] = {
    "succeeded": Wording(
        gettext_noop("Report: the workflow %(task)s succeeded"),
        gettext_noop("The workflow %(task)s succeeded."),
        _OVER,
    ),
    "failed": Wording(
        gettext_noop("Report: the workflow %(task)s failed"),
        WORDING[EventCode.WORKFLOW_FAILED].happened,
        WORDING[EventCode.WORKFLOW_FAILED].to_do,
    ),
}
TEST = Wording(
    gettext_noop("Test message of cwexport"),
    gettext_noop("This is a test: messages from cwexport arrive here."),
    _OVER,
)
