"""Slack: blocks of plain text to an incoming web hook."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from exports.kind_modules import FormField
from exports.notifications.kind import ChannelKind, Letter, Target
from exports.notifications.web import post_json, read_hook

_LONGEST_HEADER = 150
_LONGEST_SECTION = 3000


class Slack(ChannelKind):
    code = "slack"
    label = gettext_lazy("Slack")
    lead = gettext_lazy("A message in a channel of Slack.")
    fields = (
        FormField(
            "url",
            gettext_lazy("Address of the web hook"),
            gettext_lazy(
                "In Slack: your app's settings, Incoming Webhooks, Add New Webhook to Workspace. "
                "Whoever has it can post, so it is stored encrypted and never shown."
            ),
            type="url",
            is_secret=True,
            max_length=1000,
            required_sentence=gettext_lazy("Type the address that Slack shows for the web hook."),
            clean=read_hook,
        ),
    )

    def where(self, settings: Mapping[str, Any]) -> str:
        return str(self.label)

    def preview(self, letter: Letter) -> str:
        return json.dumps(blocks(letter), ensure_ascii=False, indent=2)

    def send(self, target: Target, letter: Letter) -> str:
        url = target.secrets.get("url", "")
        return post_json(url, blocks(letter), is_over=target.is_over)


def blocks(letter: Letter) -> dict[str, Any]:
    """Plain text wherever a name could hold markup; only the link is marked up."""
    facts = "\n".join(f"{label}: {value}" for label, value in letter.facts)
    found: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(letter.subject, _LONGEST_HEADER)},
        *(
            {"type": "section", "text": _plain(paragraph, _LONGEST_SECTION)}
            for paragraph in [*letter.paragraphs, facts]
            if paragraph
        ),
    ]
    if letter.link:
        link = f"<{_escaped(letter.link)}|{_escaped(letter.link_label)}>"
        found.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    return {"text": _escaped(letter.subject), "blocks": found}


def _plain(text: str, limit: int) -> dict[str, Any]:
    shown = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return {"type": "plain_text", "text": shown, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "¦")


KIND = Slack()
