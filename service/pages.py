"""The web pages and what they are made of, as files of this service alone."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from service.dispatch import Endpoint

WEB: Final = Path(__file__).parent / "web"
_PAGES: Final = {"/": "index.html", "/docs": "docs.html"}
_ASSETS: Final = tuple(sorted(path.name for path in WEB.iterdir() if path.suffix in (".css", ".js", ".svg")))
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}


def paths() -> Iterator[tuple[str, dict[str, Endpoint]]]:
    """The pages, and each of their scripts, styles and pictures under /web/."""
    for path, name in (*_PAGES.items(), *((f"/web/{name}", name) for name in _ASSETS)):
        yield path, {"GET": partial(_file, name=name)}


async def _file(_: Request, name: str) -> Response:
    return FileResponse(WEB / name, media_type=_MEDIA_TYPES[Path(name).suffix], headers={"Cache-Control": "no-cache"})
