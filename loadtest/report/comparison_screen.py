"""A comparison in the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.comparison.compare import Comparison
from loadtest.report.difference import conclusion, differences


def print_comparison(comparison: Comparison, console: Console) -> None:
    """The conclusion, the tested figures, and what makes the runs hard to compare."""
    word, sentences = conclusion(comparison)
    console.print(Text(word, style="bold"))
    for sentence in sentences:
        console.print(Text(f"  {sentence}"))
    tested = differences(comparison)
    table = Table(*tested.heads, box=None, padding=(0, 2, 0, 0))
    for line in tested.lines:
        table.add_row(*(Text(cell) for cell in line))
    console.print(table)
    if comparison.warnings:
        console.print(Text("Read with care, the runs differ in more than what was found:", style="yellow"))
        for warning in comparison.warnings:
            console.print(Text(f"  {warning}"))
