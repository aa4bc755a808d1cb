"""What a preview asks, step by step, for whoever waits for it."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.connectwise.http.client import Page
from exports.live_checks.connection_steps import PASSED, RUNNING, WARNING, Step
from exports.number_formats import grouped


class PreviewSteps:
    """The steps so far: the last one is being asked, those before were answered."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def begin(self, name: str) -> list[Step]:
        """The step that is asked now, behind all before; to be shown at once."""
        self._steps.append(Step(name, RUNNING, ""))
        return list(self._steps)

    def end(self, sentence: str, outcome: str = PASSED) -> None:
        self._steps[-1] = Step(self._steps[-1].name, outcome, sentence)

    def end_login(self, newest: Page) -> None:
        if newest.api_version:
            version = {"version": newest.api_version}
            self.end(_("ConnectWise %(version)s accepts the keys.") % version)
        else:
            self.end(_("ConnectWise accepts the keys."))

    def end_count(self, count: int | None) -> None:
        if count is None:
            self.end(_("ConnectWise refuses to count."), WARNING)
        else:
            message = ngettext("%(count)s batch.", "%(count)s batches.", count)
            self.end(message % {"count": grouped(count)})
