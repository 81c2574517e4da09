"""OCI images without a Docker daemon: deterministic layers in an OCI layout of our own, moved by well-kept tools.

An image here is a few tar files and two JSON documents, so they are written directly (image specification 1.1) instead
of running a Containerfile: no container, mount or storage driver is involved, a layer's bytes depend on its inputs
alone, and a crash can leave nothing behind but a temporary file. What others do better is theirs: `mmdebstrap` makes
the Debian base, `zstd` compresses, `skopeo` talks to registries.

    rootfs = base(["ca-certificates"], progress)
    code = layer("code", [Tree(source=..., target="/opt/app")], progress)
    built = image("registry.example/app:1", [rootfs, code], Config(entrypoint=("/opt/app/run",)))
    export([built], archive, progress)      # for `ctr -n k8s.io images import`
    push(built, "127.0.0.1:5000/app")       # -> sha256:…

Everything is kept under the user's cache by a key of its inputs, so that asking again costs milliseconds.
"""

from lookout.oci.debian import User, base, suite
from lookout.oci.entries import Directory, Entry, File, Link, Text, Tree
from lookout.oci.image import Config, Image, architecture, check_ref, image
from lookout.oci.layer import layer
from lookout.oci.store import Layer, Progress, silent
from lookout.oci.transfer import export, push

__all__ = [
    "Config",
    "Directory",
    "Entry",
    "File",
    "Image",
    "Layer",
    "Link",
    "Progress",
    "Text",
    "Tree",
    "User",
    "architecture",
    "base",
    "check_ref",
    "export",
    "image",
    "layer",
    "push",
    "silent",
    "suite",
]
