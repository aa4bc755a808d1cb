"""Why a message did not get out: a stable code and a sentence."""


class ChannelError(Exception):
    """This try failed. `is_final` when another try would only repeat what arrived."""

    def __init__(self, code: str, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.is_final = is_final


class SendingStoppedError(Exception):
    """This worker is shutting down; another one sends the message."""
