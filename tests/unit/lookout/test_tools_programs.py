"""The table of programs against go.mod, go.sum and the Python side's pins."""

import re
import tomllib
from pathlib import Path

import pytest

from lookout import paths, tools
from lookout.errors import LookoutError
from lookout.toolchain import gomod, programs
from lookout.toolchain.items import OURS

PROGRAMS = {program.name: program for program in programs.programs()}

# Modules the checksum database has never heard of: what their vendor published, compared by hand once.
VOUCHED = {
    "github.com/pulumi/pulumi-kubernetes/provider/v4": "h1:j2bphCf7c2YhnBrhwht2f3TNRRgcMImltUlAgzxr9H4=",
    "github.com/pulumi/pulumi/pkg/v3": "h1:/3HEWgLEa8QDqwQd6qv1A66c5+9azGaVtpCUXTkFnr0=",
    "github.com/pulumi/cloud-ready-checks": "h1:sakLHDVOxw6xQQI61NV+sjZNlVbDOe3G6Ie+YQ7le38=",
}


def go_file(family: str, name: str) -> str:
    return (gomod.family_dir(family) / name).read_text()


def replaces(family: str) -> dict[str, str]:
    return dict(re.findall(r"^\s*(?:replace )?(\S+) => \S+ (v\S+)$", go_file(family, "go.mod"), re.MULTILINE))


def test_every_family_has_programs_and_every_program_a_family() -> None:
    assert {program.family for program in PROGRAMS.values()} == set(gomod.FAMILIES)
    assert {path.parent.name for path in (paths.PROJECT_ROOT / "tools").glob("*/go.mod")} == set(gomod.FAMILIES)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_what_is_compiled_is_kept_by_go_mod_tidy_or_is_our_own_main(name: str) -> None:
    program = PROGRAMS[name]
    if program.file:
        assert not program.package
    elif program.package.startswith("./"):
        assert "func main()" in (gomod.family_dir(program.family) / program.package / "main.go").read_text()
    else:
        assert re.search(
            rf"^(?:tool |\t){re.escape(program.package)}$", go_file(program.family, "go.mod"), re.MULTILINE
        )


@pytest.mark.parametrize("name", sorted(name for name, p in PROGRAMS.items() if not p.module.startswith(OURS)))
def test_the_sources_of_a_program_are_pinned_by_hash(name: str) -> None:
    program = PROGRAMS[name]
    version = gomod.module_version(program.family, program.module)
    assert f"\n{program.module} {version} h1:" in "\n" + go_file(program.family, "go.sum")


@pytest.mark.parametrize("distribution", ["pulumi", "pulumi-kubernetes"])
def test_python_sdks_are_of_the_release_of_the_programs_they_talk_to(distribution: str) -> None:
    project = tomllib.loads((paths.PROJECT_ROOT / "pyproject.toml").read_text())["project"]
    program = {"pulumi": "pulumi", "pulumi-kubernetes": "pulumi-resource-kubernetes"}[distribution]
    assert f"{distribution}=={tools.version(program)}" in project["dependencies"]


def test_kubernetes_libraries_are_replaced_by_those_published_with_this_kubernetes() -> None:
    found = {module: version for module, version in replaces("cluster").items() if module.startswith("k8s.io/")}
    assert "k8s.io/client-go" in found
    assert len(found) > 30
    assert set(found.values()) == {"v0." + tools.version("kubelet").removeprefix("1.")}


def test_command_line_sdk_and_scripts_of_pulumi_are_one_release() -> None:
    beside = ("pulumi", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
    assert len({tools.version(name) for name in beside}) == 1
    assert f"version.Version=v{tools.version('pulumi')}" in PROGRAMS["pulumi-language-python"].flags()[-1]


@pytest.mark.parametrize(("module", "hash_"), VOUCHED.items())
def test_modules_without_a_checksum_entry_are_what_their_vendor_published(module: str, hash_: str) -> None:
    version = gomod.module_version("pulumi-kubernetes", module)
    assert f"{module} {version} {hash_}\n" in go_file("pulumi-kubernetes", "go.sum")


def test_the_linker_is_told_the_versions_that_go_mod_pins() -> None:
    kubelet = PROGRAMS["kubelet"].flags()[-1]
    assert f"-X k8s.io/component-base/version.gitVersion=v{tools.version('kubelet')}" in kubelet
    assert f"-X k8s.io/client-go/pkg/version.gitVersion=v{tools.version('kubelet')}" in PROGRAMS["helm"].flags()[-1]
    assert PROGRAMS["pulumi"].flags()[2:4] == ["-tags", "osusergo,grpcnotrace"]


def test_no_address_stands_in_the_modules() -> None:
    for path in sorted((paths.PROJECT_ROOT / "tools").rglob("*")):
        if path.is_file():
            assert not re.search(r"\b[a-z]{3,}://", path.read_text()), path


def test_refuses_a_module_that_go_mod_does_not_require() -> None:
    with pytest.raises(LookoutError, match=r"tools/cluster/go.mod does not require example.org/none"):
        gomod.module_version("cluster", "example.org/none")


def test_a_missing_go_mod_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "PROJECT_ROOT", tmp_path)
    with pytest.raises(LookoutError, match=r"tools/elsewhere/go.mod"):
        gomod.go_needed("elsewhere")
