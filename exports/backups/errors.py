"""Why a backup could not be made, read or restored."""


class BackupError(Exception):
    """`str()` says what is wrong and what to do; nothing was changed."""
