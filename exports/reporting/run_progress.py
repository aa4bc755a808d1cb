"""What a run is doing and how far it has got, in numbers and sentences."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from exports.models import Run
from exports.models.runs import DEAD_AFTER
from exports.models.runs.progress import Waiting
from exports.templatetags.formatting import duration

# A live worker renews its lease every 10 s (exports.pipeline.lease).
_LONGEST_LEFT = 100 * 24 * 3600.0  # seconds
_SILENT_AFTER = timedelta(seconds=15)


@dataclass(frozen=True)
class RunProgress:
    """How far a run has got. `rate` is in batches a second, None while unknown."""

    done: int
    expected: int | None
    rate: float | None
    time_left: timedelta | None

    @classmethod
    def of(cls, run: Run, now: datetime) -> "RunProgress":
        done, expected = run.fetched_count, run.expected_count
        elapsed = (
            ((run.finished_at or now) - run.started_at).total_seconds() if run.started_at else 0
        )
        is_counted_on = done and elapsed > 0 and silence_of(run, now) is None
        rate = done / elapsed if is_counted_on else None
        left = None
        if rate and expected is not None and run.is_active:
            seconds = max(expected - done, 0) / rate
            # A longer time left can only come from an unrealistic count.
            left = timedelta(seconds=seconds) if seconds < _LONGEST_LEFT else None
        return cls(done, expected, rate, left)

    @property
    def total(self) -> int | None:
        """The end of the progress bar; None until ConnectWise has counted."""
        return max(self.expected, self.done) if self.expected else None

    @property
    def percent(self) -> int | None:
        return self.done * 100 // self.total if self.total else None


@dataclass(frozen=True)
class Standing:
    """What an active run is doing, in a sentence; `is_held_up` when it cannot go on now."""

    sentence: str
    is_held_up: bool = False


def standing_of(
    run: Run,
    now: datetime,
    *,
    has_worker: bool,
    queue_error: str = "",
    ahead: Run | None = None,
) -> Standing:
    """A single line, so that the page does not move when it changes.

    `has_worker` and `queue_error`, why the queue cannot be used, matter only for a queued run.
    `ahead` is a run that keeps the worker busy.
    """
    silence = silence_of(run, now)
    if silence is not None:
        sentence = _("The worker has not answered for %(silence)s. %(what_follows)s")
        follows = what_follows_silence(run, silence)
        return Standing(sentence % {"silence": duration(silence), "what_follows": follows}, True)
    if run.cancel_requested_at is not None:
        return Standing(_("Cancelling…"))
    if run.status == Run.Status.QUEUED:
        return _standing_in_queue(run, has_worker, queue_error, ahead)
    if run.waiting is not None:
        return Standing(_waiting_sentence(run.waiting, now), True)
    return Standing(run.get_activity_display() or _("Working"))


def _standing_in_queue(run: Run, has_worker: bool, queue_error: str, ahead: Run | None) -> Standing:
    if not has_worker:
        return Standing(
            _("No worker is alive, so this run waits. Start one with manage.py serve."), True
        )
    if queue_error:
        return Standing(
            _("This run waits for the queue: %(reason)s") % {"reason": queue_error}, True
        )
    if run.waits_for is not None:
        waits = _("Waits for %(run)s of the same connection, which ConnectWise has not answered")
        return Standing(waits % {"run": run.waits_for}, True)
    if ahead is not None:
        return Standing(_("Waiting for a worker, which is busy with %(run)s") % {"run": ahead})
    return Standing(run.get_activity_display() or _("Working"))


def title_of(run: Run, progress: RunProgress) -> str:
    """The page title: `42 % · Run 7 of Nightly batches` while the run is active."""
    if run.status == Run.Status.QUEUED:
        return _("Waiting · %(run)s") % {"run": run}
    if not run.is_active:
        return f"{run.get_status_display()} · {run}"
    if progress.percent is None:
        return _("Running · %(run)s") % {"run": run}
    return _("%(percent)s %% · %(run)s") % {"percent": progress.percent, "run": run}


def silence_of(run: Run, now: datetime) -> timedelta | None:
    """How long ago a running run's last heartbeat was; None while its worker is alive."""
    if run.status != Run.Status.RUNNING or run.heartbeat_at is None:
        return None
    silence = now - run.heartbeat_at
    return silence if silence > _SILENT_AFTER else None


def what_follows_silence(run: Run, silence: timedelta) -> str:
    """What will happen to a run whose worker goes on not answering."""
    if silence > DEAD_AFTER:
        return _after_death(run)
    if run.cancel_requested_at is not None:
        sentence = _("After %(seconds)s s the run is cancelled.")
    elif run.can_resume:
        sentence = _("After %(seconds)s s the run is resumed.")
    else:
        sentence = _("After %(seconds)s s the run is ended as failed.")
    return sentence % {"seconds": DEAD_AFTER.seconds}


def _after_death(run: Run) -> str:
    if run.cancel_requested_at is not None:
        return _(
            "The run is cancelled by the next worker that is alive; if none is there, start one "
            "with manage.py serve."
        )
    if run.can_resume:
        return _(
            "The run is resumed by the next worker that is alive; if none is there, start one "
            "with manage.py serve."
        )
    return _(
        "The run is ended as failed by the next worker that is alive; if none is there, start one "
        "with manage.py serve."
    )


def _waiting_sentence(waiting: Waiting, now: datetime) -> str:
    left = round((waiting.until - now).total_seconds())
    if left < 1:
        return _("Asking again, try %(number)s of %(tries)s.") % {
            "number": waiting.number,
            "tries": waiting.limit,
        }
    return _("Waiting %(left)s: %(reason)s. Then try %(number)s of %(tries)s.") % {
        # Whole seconds, as in a countdown.
        "left": f"{left} s" if left < 60 else duration(timedelta(seconds=left)),
        "reason": waiting.reason,
        "number": waiting.number,
        "tries": waiting.limit,
    }
