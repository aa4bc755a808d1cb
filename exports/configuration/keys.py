"""The keys of a configuration file: which each group may hold, and the sentences of its errors."""

from typing import Final

from django.utils.translation import gettext_noop

from exports.configuration.entries import Group, Key, entries
from exports.configuration.values import condition_value, flag, names, text, texts, typed

_CONDITION: Final = Group(
    {
        "field": Key(typed, is_required=True),
        "comparison": Key(typed, is_required=True),
        "value": Key(condition_value, keeps_null=True),
        "logic": Key(typed),
    },
    no_group=gettext_noop("Here a condition is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a condition."),
    key_needed=gettext_noop("A condition needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a condition."),
)
_CONNECTION_KEYS: Final = {
    "name": Key(text, is_required=True),
    "site": Key(text, is_required=True),
    "company": Key(text, is_required=True),
    "public_key": Key(text, is_required=True),
    "private_key_env": Key(text),
    "client_id": Key(text),
    "parallel_requests": Key(text),
    "default": Key(flag),
}
_TASK_DESTINATION: Final = Group(
    {
        "destination": Key(text, is_required=True),
        "file_name": Key(text),
        "sends_empty": Key(flag),
    },
    no_group=gettext_noop("Here a destination is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a task's destination."),
    key_needed=gettext_noop("A task's destination needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a destination."),
)
_REPORT_KEYS: Final = {
    "report": Key(text),
    "report_channel": Key(text, keeps_null=True),
    "report_with_log": Key(flag),
    "report_with_file": Key(flag),
}
_TASK_KEYS: Final = {
    "name": Key(text, is_required=True),
    "connection": Key(text),
    "export": Key(text, is_required=True),
    "date_created": Key(text),
    "date_modified": Key(text),
    "page_size": Key(text),
    "output_file": Key(text, is_required=True),
    "include_extra_fields": Key(flag),
    "conditions": Key(entries(_CONDITION)),
    "references_to_fetch_page_size": Key(text),
    "enabled": Key(flag),
    "can_resume_from_failure": Key(flag),
    "on_failure_task": Key(text),
    "break_on_failure": Key(flag),
    "destinations": Key(entries(_TASK_DESTINATION)),
    "success_within_hours": Key(text),
    "tags": Key(text),
    **_REPORT_KEYS,
}
_CONNECTION: Final = Group(
    _CONNECTION_KEYS,
    no_group=gettext_noop("Here a connection is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a connection."),
    key_needed=gettext_noop("A connection needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a connection."),
)
_TASK: Final = Group(
    _TASK_KEYS,
    no_group=gettext_noop("Here a task is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a task."),
    key_needed=gettext_noop("A task needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a task."),
)
_WORKFLOW: Final = Group(
    {
        "name": Key(text, is_required=True),
        "steps": Key(names, is_required=True),
        "enabled": Key(flag),
        "can_resume_from_failure": Key(flag),
        **_REPORT_KEYS,
    },
    no_group=gettext_noop("Here a workflow is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a workflow."),
    key_needed=gettext_noop("A workflow needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a workflow."),
)
_CHANNEL: Final = Group(
    {
        "name": Key(text, is_required=True),
        "kind": Key(text, is_required=True),
        "language": Key(text),
        "enabled": Key(flag),
        "settings": Key(texts),
        "secrets_env": Key(texts),
        "events": Key(names),
        "tasks": Key(names),
    },
    no_group=gettext_noop("Here a channel is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a channel."),
    key_needed=gettext_noop("A channel needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a channel."),
)
_DESTINATION: Final = Group(
    {
        "name": Key(text, is_required=True),
        "kind": Key(text, is_required=True),
        "settings": Key(texts),
        "secrets_env": Key(texts),
    },
    no_group=gettext_noop("Here a destination is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a destination."),
    key_needed=gettext_noop("A destination needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a destination."),
)
_SCHEDULE: Final = Group(
    {
        "task": Key(text),
        "workflow": Key(text),
        "cron": Key(text, is_required=True),
        "zone": Key(text),
        "catch_up": Key(text),
        "grace_minutes": Key(text),
        "paused": Key(flag),
    },
    no_group=gettext_noop("Here a schedule is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of a schedule."),
    key_needed=gettext_noop("A schedule needs the key %(key)s."),
    no_list=gettext_noop("%(key)s is %(kind)s: write a list, one - for a schedule."),
)
FILE: Final = Group(
    {
        "connections": Key(entries(_CONNECTION)),
        "tasks": Key(entries(_TASK)),
        "workflows": Key(entries(_WORKFLOW)),
        "channels": Key(entries(_CHANNEL)),
        "destinations": Key(entries(_DESTINATION)),
        "schedules": Key(entries(_SCHEDULE)),
    },
    no_group=gettext_noop("The file is %(kind)s: write keys, like %(example)s: …"),
    no_key=gettext_noop("%(key)s is not a key of the file."),
)
