"""How a command fails."""

__all__ = ["CommandFailure"]


class CommandFailure(Exception):
    """What the user is told, without a traceback, and the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
