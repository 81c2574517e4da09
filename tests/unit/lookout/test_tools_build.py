"""Building into the cache: what is made, what is kept when it fails, what is made again."""

import fcntl
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from lookout import tools
from lookout.errors import LookoutError
from lookout.toolchain import builder, go, gomod, programs, store

if TYPE_CHECKING:
    from tests.unit.lookout.conftest import FakeGo

EVERYTHING = [item.name for item in programs.items()]


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def leftovers(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.name.startswith(".building-") or path.suffix == ".tmp"]


def test_builds_everything_once_and_then_asks_nobody(fake_go: "FakeGo", cache: Path) -> None:
    assert [built.name for built in tools.build()] == EVERYTHING
    assert all(info.state == "built" for info in tools.versions(verify=True))
    assert tools.tool("kubectl") == cache / f"cluster-{store.recipe('cluster')}" / "bin" / "kubectl"
    assert os.access(tools.tool("kubectl"), os.X_OK)
    fake_go.forget()
    assert tools.build() == []
    assert fake_go.calls == []
    assert leftovers(cache) == []


def test_says_what_is_being_made_and_how_far_it_is(fake_go: "FakeGo") -> None:  # noqa: ARG001
    said: list[str] = []
    tools.build(said.append)
    total = len(EVERYTHING)
    assert said[1] == f"kubectl {tools.version('kubectl')} (2 of {total})"
    assert len(said) == total


def test_the_compiler_gets_pinned_sources_only(fake_go: "FakeGo", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    tools.build()
    environment = (fake_go.directory / "environment").read_text().splitlines()
    assert {"GOFLAGS=-mod=readonly", "GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOWORK=off"} <= set(environment)
    assert all("-trimpath" in call for call in fake_go.calls if call.startswith("build "))


def test_the_provider_embeds_its_schema_with_its_version_and_the_clone_is_not_written_to(fake_go: "FakeGo") -> None:
    tools.build()
    schema = (fake_go.directory / "schema.json").read_text()
    assert json.loads(schema) == {"version": tools.version(programs.PROVIDER), "name": programs.PROVIDER}
    assert " " not in schema
    assert "\n" not in schema
    replaced = json.loads((fake_go.directory / "overlay.json").read_text())["Replace"]
    main = gomod.family_dir("pulumi-kubernetes") / "provider"
    assert set(replaced) == {str(main / "schema.json"), str(main / "terraform-mapping.json")}
    assert [path.name for path in main.iterdir()] == ["main.go"]


def test_after_a_failure_nothing_half_made_counts_and_the_next_build_goes_on(fake_go: "FakeGo", cache: Path) -> None:
    etcd = programs.program("etcd").package
    fake_go.breaks_on(etcd, "etcd.go:1: undefined: everything")
    with pytest.raises(LookoutError, match="undefined: everything") as caught:
        tools.build()
    assert "go-build.log" in str(caught.value.remedy)
    assert leftovers(cache) == []
    with pytest.raises(LookoutError, match=r"etcd .* is not built") as unbuilt:
        tools.tool("etcd")
    assert unbuilt.value.remedy == "run: make tools"

    fake_go.is_mended()
    fake_go.forget()
    tools.build()
    assert fake_go.compiled[0] == etcd
    assert programs.program("kubectl").package not in fake_go.compiled


@pytest.mark.parametrize(
    ("says", "remedy"),
    [
        ("write /x/y.a: no space left on device", "free space"),
        ("compile: signal: killed", "ran out of memory"),
        ("verifying example.org/m@v1: checksum mismatch", "go clean -modcache"),
        ("Get https://example.org: dial tcp: lookup failed", "go env GOPROXY"),
    ],
)
def test_what_the_compiler_says_becomes_a_remedy(fake_go: "FakeGo", says: str, remedy: str) -> None:
    fake_go.breaks_on(programs.program("kubectl").package, says)
    with pytest.raises(LookoutError) as caught:
        tools.build()
    assert caught.value.message.startswith("cannot compile kubectl: ")
    assert caught.value.message.removeprefix("cannot compile kubectl: ") in says
    assert remedy in str(caught.value.remedy)


def test_a_truncated_file_is_refused_and_made_again(fake_go: "FakeGo") -> None:
    tools.build()
    with tools.tool("helm").open("r+") as file:
        file.truncate(3)
    with pytest.raises(LookoutError, match=r"helm .* is damaged"):
        tools.tool("helm")
    fake_go.forget()
    assert [built.name for built in tools.build()] == ["helm"]


def test_verify_finds_a_changed_byte_and_makes_the_file_again(fake_go: "FakeGo") -> None:
    tools.build()
    helm = tools.tool("helm")
    good = helm.read_bytes()
    helm.write_bytes(good[:-1] + b"?")
    assert tools.build() == []
    assert {info.name for info in tools.versions(verify=True) if info.state == "corrupt"} == {"helm"}
    fake_go.forget()
    assert [built.name for built in tools.build(verify=True)] == ["helm"]
    assert helm.read_bytes() == good


def test_what_a_killed_build_left_is_removed(fake_go: "FakeGo", cache: Path) -> None:  # noqa: ARG001
    left = store.entry("cluster") / ".building-abc"
    left.mkdir(parents=True)
    (left / "made").write_text("half")
    tools.build()
    assert leftovers(cache) == []


def test_a_second_build_waits_for_the_first_and_says_so(fake_go: "FakeGo", cache: Path) -> None:  # noqa: ARG001
    cache.mkdir(parents=True)
    said: list[str] = []
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\n")
        lock.flush()
        second = threading.Thread(target=tools.build, args=(said.append,))
        second.start()
        second.join(timeout=0.5)
        assert second.is_alive()
        assert said == ["waiting for another build (process 4711)"]
    second.join(timeout=60)
    assert not second.is_alive()
    assert tools.build() == []


def test_less_space_is_needed_when_gos_cache_is_full(fake_go: "FakeGo", monkeypatch: pytest.MonkeyPatch) -> None:
    full = fake_go.directory / "go-cache" / "00" / "object"
    full.parent.mkdir(parents=True)
    with full.open("w") as file:
        file.truncate(builder.SPACE_COLD_BYTES // 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, builder.SPACE_WARM_BYTES))
    assert len(tools.build()) == len(EVERYTHING)


@pytest.mark.parametrize("version", ["go1.21.3", "go1.25"])
def test_refuses_a_go_that_is_too_old(fake_go: "FakeGo", version: str) -> None:
    fake_go.is_version(version)
    with pytest.raises(LookoutError, match=rf"need Go [\d.]+ or newer, on PATH is {version} "):
        tools.build()
    assert fake_go.compiled == []


def test_refuses_when_there_is_no_go(fake_go: "FakeGo", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake_go.directory / "module"))
    with pytest.raises(LookoutError, match="Go is not on PATH") as caught:
        tools.build()
    assert "install" in str(caught.value.remedy)


def test_refuses_to_start_from_nothing_on_a_disk_that_is_nearly_full(
    fake_go: "FakeGo", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - 10**9, 10**9))
    with pytest.raises(LookoutError, match=r"has 0.9 GiB left"):
        tools.build()
    assert fake_go.compiled == []


def test_a_cache_that_cannot_be_written_is_named(fake_go: "FakeGo", cache: Path) -> None:  # noqa: ARG001
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the directory should be")
    with pytest.raises(LookoutError, match=str(cache)):
        tools.build()


def test_another_version_gets_another_entry_and_the_old_one_stays_until_it_is_pruned(
    fake_go: "FakeGo",  # noqa: ARG001
    cache: Path,
) -> None:
    old = cache / "cluster-0123456789abcdef" / "bin" / "kubectl"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x" * 1000)
    tools.build()
    assert old.exists()
    assert tools.prune() == {"cluster-0123456789abcdef": 1000}
    assert not old.exists()
    assert tools.build() == []


def test_the_recipe_follows_sources_hashes_and_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(gomod.family_dir("cluster"), tmp_path / "cluster")
    monkeypatch.setattr(gomod, "family_dir", lambda family: tmp_path / family)
    fresh = store.recipe.__wrapped__
    seen = {fresh("cluster")}
    assert fresh("cluster") in seen
    for name in ("go.sum", "pause/main.go"):
        with (tmp_path / "cluster" / name).open("a") as file:
            file.write("\n")
        assert fresh("cluster") not in seen
        seen.add(fresh("cluster"))
    kubectl = programs.program("kubectl")
    monkeypatch.setattr(programs, "items", lambda: (kubectl.model_copy(update={"tags": ("other",)}),))
    assert fresh("cluster") not in seen


def test_pause_compiles_alone_and_ends_when_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    go.compile_program(programs.program("pause"), tmp_path / "pause", tmp_path)
    said = subprocess.run([tmp_path / "pause", "-v"], capture_output=True, text=True, check=True)
    assert said.stdout == f"pause {tools.version('pause')}\n"
    running = subprocess.Popen([tmp_path / "pause"])
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(timeout=0.3)
    running.terminate()
    assert running.wait(timeout=10) == 0
