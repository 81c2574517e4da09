"""One self-contained HTML page: templates that escape what they show, one style sheet inside, nothing fetched."""

from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE: Final = Path(__file__).parent


class Plot(NamedTuple):
    """A plot on the page: the caption says in words what to see."""

    title: str
    caption: str
    svg: str


class Table(NamedTuple):
    """Figures under heads; the first column names the line."""

    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def fill(template: str, **values: Any) -> str:
    """The page that a template of this directory makes of the values; `title` is the window's."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(style=(_HERE / "style.css").read_text(), **values)
