"""Images: layers in order, how to start them, and the reference they go by."""

import json
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from lookout.errors import LookoutError
from lookout.oci import store
from lookout.oci.layer import MEDIA_TYPE
from lookout.oci.store import Digest, Layer

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
_CREATED: Final = "2025-01-01T00:00:00Z"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST: Final = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?"
_REPOSITORY: Final = re.compile(rf"{_HOST}(?:/{_COMPONENT})+")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


class Config(BaseModel):
    """How a container of the image starts. `user` is a number, so that `runAsNonRoot` can be verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    user: Annotated[str, Field(pattern=r"^[0-9]+(:[0-9]+)?$")] = "0:0"
    workdir: Annotated[str, Field(pattern=r"^/")] = "/"
    labels: Mapping[str, str] = {}
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = ()


class Image(BaseModel):
    """One finished image; `digest` is its manifest's, the name it keeps wherever it is pushed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str
    digest: Digest
    manifest_bytes: int
    config_digest: Digest
    layers: tuple[Layer, ...]

    @property
    def size_bytes(self) -> int:
        """What a pull of the whole image moves: its layers, compressed."""
        return sum(layer.size_bytes for layer in self.layers)


def image(ref: str, layers: Sequence[Layer], config: Config) -> Image:
    """The image of `layers`, the lowest first, under `ref` (host/repository:tag). LookoutError for an unfit ref."""
    check_ref(ref)
    config_digest, config_bytes = store.add_json(configuration(layers, config))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": _CONFIG_TYPE, "digest": config_digest, "size": config_bytes},
        "layers": [{"mediaType": MEDIA_TYPE, "digest": layer.digest, "size": layer.size_bytes} for layer in layers],
    }
    digest, manifest_bytes = store.add_json(manifest)
    return Image(
        ref=ref, digest=digest, manifest_bytes=manifest_bytes, config_digest=config_digest, layers=tuple(layers)
    )


def configuration(layers: Sequence[Layer], config: Config) -> dict[str, Any]:
    """The image configuration document (OCI image specification, config.md) for this machine's architecture."""
    env = {"PATH": _PATH, **config.env}
    runtime: dict[str, Any] = {
        "User": config.user,
        "WorkingDir": config.workdir,
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Labels": dict(sorted(config.labels.items())),
    }
    if config.entrypoint:
        runtime["Entrypoint"] = list(config.entrypoint)
    if config.command:
        runtime["Cmd"] = list(config.command)
    if config.ports:
        runtime["ExposedPorts"] = {f"{port}/tcp": {} for port in config.ports}
    return {
        "created": _CREATED,
        "architecture": architecture(),
        "os": "linux",
        "config": runtime,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": _CREATED, "created_by": f"lookout: {layer.title}"} for layer in layers],
    }


def stored_configuration(image: Image) -> dict[str, Any]:
    """The configuration document of a finished image."""
    document: dict[str, Any] = json.loads(store.blob_path(image.config_digest).read_text())
    return document


def architecture() -> str:
    """This machine's architecture as image indexes name it. LookoutError for one nobody has tried."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise LookoutError(f"no images for architecture {machine}", f"use one of: {', '.join(_ARCHITECTURES)}")
    return _ARCHITECTURES[machine]


def check_ref(ref: str) -> tuple[str, str]:
    """Repository and tag of `host[:port]/path:tag`; LookoutError says which part is unfit."""
    repository, colon, tag = ref.rpartition(":")
    if not colon or "/" in tag:
        raise LookoutError(f"image reference {ref!r} has no tag", "write host/repository:tag")
    if not _REPOSITORY.fullmatch(repository):
        raise LookoutError(
            f"image reference {ref!r}: {repository!r} is not a repository with its registry",
            "write host/repository:tag in lower case, for example registry.example:5000/detector:1.2.0",
        )
    if not _TAG.fullmatch(tag):
        raise LookoutError(
            f"image reference {ref!r}: {tag!r} is not a tag", "use at most 128 letters, digits, dots, dashes or _"
        )
    return repository, tag
