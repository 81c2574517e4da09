"""A file with an API token, as clients of the detector read it: the service's own list of tokens will do."""

from pathlib import Path

from lookout.errors import UsageError

VARIABLE = "LOOKOUT_TOKEN_FILE"
"""Names the file for every command that asks a detector."""


def read(file: Path) -> str:
    """The first token: lines may be blank or start with #, as in the service's list. UsageError when there is none."""
    try:
        lines = [line.strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token's file {file} cannot be read", "write the token into it, on a line") from error
    token = next((line for line in lines if line and not line.startswith("#")), "")
    if not token or not token.isascii() or any(sign.isspace() for sign in token):
        raise UsageError(f"{file} holds no token", "write the token into it, on a line")
    return token
