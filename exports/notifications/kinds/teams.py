"""Microsoft Teams: an adaptive card to the address of a workflow."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from exports.connectwise.language import gettext as _
from exports.kind_modules import FormField
from exports.models.codes import ChannelErrorCode
from exports.notifications.errors import ChannelError
from exports.notifications.kind import ChannelKind, Letter, Target
from exports.notifications.web import post_json, read_hook

_CARD = "application/vnd.microsoft.card.adaptive"
# The older connectors answer 200 also when they could not deliver.
_FAILURE = "Webhook message delivery failed"


class Teams(ChannelKind):
    code = "teams"
    label = gettext_lazy("Microsoft Teams")
    lead = gettext_lazy("A card in a channel or chat of Microsoft Teams.")
    fields = (
        FormField(
            "url",
            gettext_lazy("Address of the workflow"),
            gettext_lazy(
                "In Teams: the channel's menu, Workflows, “Post to a channel when a webhook "
                "request is received”; copy the address it shows. Whoever has it can post, so it "
                "is stored encrypted and never shown."
            ),
            type="url",
            is_secret=True,
            max_length=1000,
            required_sentence=gettext_lazy("Type the address that the workflow shows."),
            clean=read_hook,
        ),
    )

    def where(self, settings: Mapping[str, Any]) -> str:
        return str(self.label)

    def preview(self, letter: Letter) -> str:
        return json.dumps(card(letter), ensure_ascii=False, indent=2)

    def send(self, target: Target, letter: Letter) -> str:
        url = target.secrets.get("url", "")
        answer = post_json(url, card(letter), is_over=target.is_over)
        if _FAILURE in answer:
            raise ChannelError(
                ChannelErrorCode.REFUSED,
                _("%(answer)s Make a new workflow in Teams and enter its address.")
                % {"answer": answer},
            )
        return answer


def card(letter: Letter) -> dict[str, Any]:
    """The letter as a card; runs of text, as these know no markup that a name could hold."""
    facts = [{"title": label, "value": _plain(value)} for label, value in letter.facts]
    body: list[dict[str, Any]] = [
        _text(letter.subject, weight="Bolder", size="Medium"),
        *(_text(paragraph) for paragraph in letter.paragraphs),
    ]
    if facts:
        body.append({"type": "FactSet", "facts": facts})
    content: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if letter.link:
        action = {"type": "Action.OpenUrl", "title": letter.link_label, "url": letter.link}
        content["actions"] = [action]
    attachment = {"contentType": _CARD, "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _text(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _plain(text: str) -> str:
    """Facts know markup: without brackets and stars there is none that leads elsewhere."""
    return "".join(f"\\{sign}" if sign in "[]()*_`~" else sign for sign in text)


KIND = Teams()
