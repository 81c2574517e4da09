"""The bar over many photos."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def photo_bar(photos_in_all: int) -> Progress:
    """A bar on standard error, where that is a terminal and there is more than one photo."""
    screen = Console(stderr=True)
    return Progress(
        TextColumn("looking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=photos_in_all == 1 or not screen.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # else results would go where the bar is, not into the file or pipe
    )
