"""Errors a person can act on, and the exit codes of the command line."""

from typing import Final

EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 64
EXIT_INTERNAL: Final = 70
EXIT_INTERRUPTED: Final = 130


class LookoutError(Exception):
    """Something the user can mend: what was wrong and where, and what to do about it.

    The command line prints both without a traceback and ends with `exit_code`.
    """

    def __init__(self, message: str, remedy: str | None = None, exit_code: int = EXIT_FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class UsageError(LookoutError):
    """A command was called with arguments that do not make sense together."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy, EXIT_USAGE)
