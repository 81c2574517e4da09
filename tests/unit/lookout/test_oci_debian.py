"""Which archives a base is made from, and what stops it."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from lookout import oci
from lookout.errors import LookoutError
from lookout.oci import User, debian

_TARGETS = """\
http://one.example/debian/ bookworm main
http://one.example/debian/ bookworm main
http://one.example/debian/ bookworm non-free
http://one.example/debian/ bookworm-updates main
http://one.example/debian-security/ bookworm-security main
http://one.example/debian/ bookworm-backports main
http://vendor.example/apt/ bookworm main
http://node.example/node_22.x/ nodistro main
"""


def test_only_the_distribution_s_own_archives_count() -> None:
    assert debian.sources(_TARGETS, "bookworm", "debian").splitlines() == [
        "deb http://one.example/debian-security/ bookworm-security main",
        "deb http://one.example/debian/ bookworm main",
        "deb http://one.example/debian/ bookworm-updates main",
    ]


def test_ubuntu_s_universe_counts_too() -> None:
    targets = "http://u.example/ubuntu/ noble universe\nhttp://u.example/ubuntu/ noble main\n"
    assert len(debian.sources(targets, "noble", "ubuntu").splitlines()) == 2


@pytest.mark.parametrize("targets", ["", "http://one.example/debian-security/ bookworm-security main\n"])
def test_a_host_without_the_suite_s_archive_is_told_where_to_look(targets: str) -> None:
    with pytest.raises(LookoutError, match="no source for debian bookworm") as caught:
        debian.sources(targets, "bookworm", "debian")
    assert "/etc/apt" in str(caught.value.remedy)


def test_without_root_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian, "suite", lambda: "bookworm")
    with pytest.raises(LookoutError, match="needs root"):
        oci.base(["tini"])


def test_a_missing_program_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "suite", lambda: "bookworm")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LookoutError, match="mmdebstrap is missing") as caught:
        oci.base(["tini"])
    assert caught.value.remedy == "apt-get install mmdebstrap"


@pytest.mark.parametrize("wrong", [{"name": "Root"}, {"uid": 0}, {"home": "tmp"}, {"home": "/x'; rm -rf /"}])
def test_an_unfit_user_is_refused(wrong: dict[str, object]) -> None:
    fit: dict[str, object] = {"name": "detector", "uid": 1000, "home": "/tmp"}  # noqa: S108  # a path inside an image
    User.model_validate(fit)
    with pytest.raises(ValidationError):
        User.model_validate(fit | wrong)
