"""Connections, tasks and workflows as a YAML file: read, compared with the rows, applied, written.

`keys` says what a file may hold, `values` and `entries` how it is read, with the line of every key;
`connections`, `tasks`, `filters` and `workflows` fill in the forms of the pages, which hold every
rule, and give their errors a line; `loading` does it in one transaction; `writing` is the way back.
"""

from exports.configuration.entries import Problem
from exports.configuration.loading import ConfigurationError, Loaded, Outcome, load
from exports.configuration.reading import Configuration, read
from exports.configuration.writing import current_configuration
from exports.configuration.yaml_text import MAX_BYTES

__all__ = [
    "MAX_BYTES",
    "Configuration",
    "ConfigurationError",
    "Loaded",
    "Outcome",
    "Problem",
    "current_configuration",
    "load",
    "read",
]
