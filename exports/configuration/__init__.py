"""Connections and tasks as a YAML file: read, compared with the rows, applied, written.

`yaml_text` and `reading` know keys and lines; `connections`, `tasks` and `filters` fill in the
forms of the pages, which hold every rule, and give their errors a line; `loading` does it in one
transaction; `writing` is the way back.
"""

from exports.configuration.loading import ConfigurationError, Loaded, Outcome, load
from exports.configuration.reading import Configuration, Problem, read
from exports.configuration.writing import current_configuration
from exports.configuration.yaml_text import MOST_BYTES

__all__ = [
    "MOST_BYTES",
    "Configuration",
    "ConfigurationError",
    "Loaded",
    "Outcome",
    "Problem",
    "current_configuration",
    "load",
    "read",
]
