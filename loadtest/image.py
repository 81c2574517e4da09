"""The load generator's image: made like the detector's, on the same Debian and Python, and pushed by digest."""

import hashlib
from pathlib import Path
from typing import Final

from loadtest.incluster.closure import closure
from loadtest.photos.originals import FOLDER_VARIABLE
from lookout import contract, oci, paths
from lookout.oci import Config, File, Image, Layer, Progress, python, silent
from lookout.oci.entries import items
from lookout.oci.layer import pack, write_tar
from lookout.oci.store import cached_layer, key_of
from service.model.photos import sample_photos

CODE: Final = "/opt/lookout/loadtest"
PHOTOS: Final = "/opt/lookout/photos"
REQUIREMENTS: Final = "requirements/load.txt"
PROGRAM: Final = "loadtest.incluster.pod"
ROOTS: Final = (PROGRAM, "loadtest.generator.__main__")
"""Modules that the pod starts as processes; what they import follows by itself."""


def build_image(progress: Progress = silent) -> Image:
    """Make the image, or find its layers made. Needs root for the base; LookoutError where something cannot be had."""
    base = python.python_base(progress)
    layers = [
        base,
        python.dependencies(base, (paths.PROJECT_ROOT / REQUIREMENTS).read_text(), progress),
        photos(progress),
        python.code(base, closure(ROOTS), CODE, progress),
    ]
    tag = key_of([layer.digest for layer in layers])[:12]
    return oci.image(f"{contract.LOADTEST_REPOSITORY}:{tag}", layers, config())


def push_image(registry: str, progress: Progress = silent) -> str:
    """Make the image, push it to `registry` (HOST:PORT, perhaps with a path) and return its digest."""
    return oci.push(build_image(progress), f"{registry}/{contract.LOADTEST}", progress)


def photos(progress: Progress) -> Layer:
    """The sample photographs as JPEG files: the image needs no scikit-image, which brings them."""
    jpegs = sample_photos()

    def make(temporary: Path) -> Layer:
        files = [File(source=temporary / f"{name}.jpg", target=f"{PHOTOS}/{name}.jpg") for name in jpegs]
        for file, jpeg in zip(files, jpegs.values(), strict=True):
            file.source.write_bytes(jpeg)
        return pack("photos", lambda sink: write_tar(items(files), sink), temporary)

    key = key_of("photos", PHOTOS, {name: hashlib.sha256(jpeg).hexdigest() for name, jpeg in jpegs.items()})
    return cached_layer(key, make, progress)


def config() -> Config:
    """How the container starts: a plain user who writes nothing outside /tmp."""
    return Config(
        entrypoint=("/usr/bin/python3", "-m", PROGRAM),
        user=f"{python.UID}:{python.UID}",
        workdir=CODE,
        env=python.environment(CODE) | {FOLDER_VARIABLE: PHOTOS},
        labels={"org.opencontainers.image.title": contract.LOADTEST},
    )
