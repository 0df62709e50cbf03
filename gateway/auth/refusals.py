"""Why a credential is not taken, in words that may be told to whoever shows it."""

__all__ = ["InvalidCredentialError", "UndecidedError"]


class InvalidCredentialError(Exception):
    """A credential that is not taken. ``reason`` says of it only what its bearer knows or may know."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UndecidedError(Exception):
    """It cannot be found out now whether a credential is good: what would know it is away. Trying again may help."""
