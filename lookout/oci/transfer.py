"""Where images go: an archive for a container runtime, or a registry."""

import json
import tarfile
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from lookout import process
from lookout.errors import LookoutError
from lookout.oci import store
from lookout.oci.image import MANIFEST_TYPE, Image, architecture, check_ref
from lookout.oci.store import Progress, silent

_LAYOUT: Final = {"imageLayoutVersion": "1.0.0"}
_PUSH_TIMEOUT_S: Final = 1800.0


def export(images: Sequence[Image], archive: Path, progress: Progress = silent) -> Path:
    """Write the images as one OCI archive, shared layers once; `ctr -n k8s.io images import` gives each its ref.

    The archive replaces `archive` in one step. Equal images give an equal archive.
    """
    progress(f"writing {len(images)} images to {archive.name}")
    digests = {image.digest for image in images} | {image.config_digest for image in images}
    digests |= {layer.digest for image in images for layer in image.layers}
    with store.workspace(progress) as temporary:
        archive.parent.mkdir(parents=True, exist_ok=True)
        for name, document in (("oci-layout", _LAYOUT), ("index.json", _index(images))):
            (temporary / name).write_text(json.dumps(document, sort_keys=True))
        draft = archive.with_name(f".{archive.name}.tmp")
        try:
            with tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as tar:
                for name in ("oci-layout", "index.json"):
                    tar.add(temporary / name, name, filter=_plain)
                for digest in sorted(digests):
                    tar.add(store.blob_path(digest), f"blobs/sha256/{digest.removeprefix('sha256:')}", filter=_plain)
            draft.replace(archive)
        finally:
            draft.unlink(missing_ok=True)
    return archive


def push(image: Image, destination: str, progress: Progress = silent) -> str:
    """Push to `host[:port]/repository`, tagged as in the image's own ref; layers the registry has are not sent again.

    Plain HTTP is used to a registry on loopback and nowhere else. Credentials are those of `skopeo login` or
    `docker login`. Returns the digest under which the registry serves the image: the image's own.
    """
    _, tag = check_ref(image.ref)
    check_ref(f"{destination}:{tag}")
    progress(f"pushing {image.size_bytes / 1e6:.0f} MB to {destination}:{tag}")
    with tempfile.TemporaryDirectory(prefix="lookout-push-") as name:  # without the store's lock: pushes may be long
        layout, record = Path(name) / "layout", Path(name) / "digest"
        layout.mkdir()
        (layout / "oci-layout").write_text(json.dumps(_LAYOUT))
        (layout / "index.json").write_text(json.dumps(_index([image])))
        process.run(
            [
                *("skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests"),
                f"--dest-tls-verify={'false' if on_loopback(destination) else 'true'}",
                f"--src-shared-blob-dir={store.root() / 'blobs'}",
                f"--digestfile={record}",
                f"oci:{layout}:{image.ref}",
                f"docker://{destination}:{tag}",
            ],
            timeout_s=_PUSH_TIMEOUT_S,
            remedy=f"see that the registry at {destination.partition('/')[0]} answers and takes your login"
            " (the local one starts with the node: lookout node up; skopeo itself: apt-get install skopeo)",
        )
        digest = record.read_text().strip()
    if digest != image.digest:
        raise LookoutError(f"the registry stored {digest} where {image.digest} was sent", "push to another registry")
    return digest


def on_loopback(destination: str) -> bool:
    """Whether a registry's host is this machine itself, where there is nothing to eavesdrop on."""
    host = destination.partition("/")[0].rpartition(":")[0] or destination.partition("/")[0]
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def archive_key(images: Sequence[Image]) -> str:
    """A key of an archive's content: refs and digests."""
    return store.key_of("archive", [(image.ref, image.digest) for image in images])[:16]


def _index(images: Sequence[Image]) -> dict[str, Any]:
    platform = {"architecture": architecture(), "os": "linux"}
    manifests = [
        {
            "mediaType": MANIFEST_TYPE,
            "digest": image.digest,
            "size": image.manifest_bytes,
            "platform": platform,
            "annotations": {"io.containerd.image.name": image.ref, "org.opencontainers.image.ref.name": image.ref},
        }
        for image in images
    ]
    return {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime, info.mode = store.EPOCH_S, 0o644
    return info
