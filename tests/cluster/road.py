"""A road of the tests' own: stack, node, ranges, doors, state and deploy/ apart from whatever else runs here."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # ships no types
import yaml

from infra.node.spec import Doors, NodeSpec
from lookout import contract
from lookout.paths import PROJECT_ROOT, venv_bin
from lookout.tools import tool

NAME: Final = "lktest"
STACK: Final = "lktest"
WITHIN_S: Final = 420.0


class Road:
    """The commands of a user, run against the tests' own state directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.deploy = directory / "deploy"
        self.settings = PROJECT_ROOT / f"Pulumi.{STACK}.yaml"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "KUBECONFIG"},
            "XDG_STATE_HOME": str(self.state),
            "LOOKOUT_DEPLOY_DIR": str(self.deploy),
            "LOOKOUT_STACK": STACK,
        }
        self.doors = dict(zip(contract.DOORS, _free_ports(len(contract.DOORS)), strict=True))
        self._started: list[subprocess.Popen[str]] = []
        self.write_settings()

    @property
    def spec(self) -> NodeSpec:
        """The node under this road."""
        return NodeSpec(
            name=NAME,
            link_cidr=IPv4Network("10.234.0.0/30"),
            pod_cidr=IPv4Network("10.235.0.0/16"),
            service_cidr=IPv4Network("10.236.0.0/16"),
            doors=Doors(**self.doors),
        )

    @property
    def kubeconfig(self) -> Path:
        """The spec's own property would look under this process's state directory."""
        return self.state / "lookout" / "nodes" / NAME / "kubeconfig"

    def write_settings(self, **changes: Any) -> None:
        """The example's settings with this road's name, ranges and doors."""
        document = yaml.safe_load((PROJECT_ROOT / "Pulumi.local.example.yaml").read_text())
        document["config"]["lookout:local"] = {
            "name": NAME,
            "linkCidr": str(self.spec.link_cidr),
            "podCidr": str(self.spec.pod_cidr),
            "serviceCidr": str(self.spec.service_cidr),
            "doors": self.doors,
        } | changes
        kept = yaml.safe_load(self.settings.read_text()) if self.settings.exists() else {}
        document |= {key: value for key, value in kept.items() if key.startswith("encryption")}
        self.settings.write_text(yaml.safe_dump(document))

    def lookout(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one `lookout` command to its end; with `check`, a failure shows what it printed."""
        command = [str(venv_bin("lookout")), *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=pipe, text=True)
        try:
            output, errors = process.communicate(timeout=WITHIN_S)
        except BaseException:
            _kill_tree(process)
            raise
        done = subprocess.CompletedProcess(command, process.returncode, output, errors)
        if check and done.returncode != 0:
            raise AssertionError(f"lookout {' '.join(arguments)} → {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a `lookout` command in a session of its own, to be killed."""
        process = subprocess.Popen(
            [str(venv_bin("lookout")), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def pulumi(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Plain `pulumi` under `lookout env`, as the README says; `given` is its standard input."""
        exports = json.loads(self.lookout("env", "--json").stdout)
        command = ["pulumi", *arguments, "--stack", STACK, "--non-interactive"]
        environment = {**self.environment, **exports}
        return subprocess.run(
            command, check=False, cwd=PROJECT_ROOT, env=environment, input=given, capture_output=True, text=True,
            timeout=WITHIN_S,
        )  # fmt: skip

    def kubectl(self, *arguments: str, check: bool = True, input_text: str | None = None) -> str:
        """Run kubectl as the administrator; returns what it printed, standard error included."""
        command = [str(tool("kubectl")), f"--kubeconfig={self.kubeconfig}", "--request-timeout=20s", *arguments]
        done = subprocess.run(
            command, check=False, input=input_text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stdout}")
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """What kubectl gets, as plain data."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def git(self, *arguments: str) -> str:
        """Run git in deploy/."""
        identity = ["-c", "user.name=Tester", "-c", "user.email=tester@localhost"]
        command = ["git", "-C", str(self.deploy), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def url(self, environment: str, path: str = "") -> str:
        """An environment's address through its door."""
        return f"http://127.0.0.1:{self.doors[environment]}{path}"

    def remove(self) -> None:
        """Take down whatever is there, and the files that tests keep. The state goes last, and only once nothing runs
        that needs it to be found again."""
        for process in self._started:
            if process.poll() is None:  # a test that failed did not get to end it, and `down` would wait for it
                kill_group(process)
        self.lookout("down")
        shutil.rmtree(self.directory, ignore_errors=True)
        self.settings.unlink(missing_ok=True)


def kill_group(process: "subprocess.Popen[str]") -> None:
    """End a command and its children at once, as a closed terminal or the kernel's memory killer would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _kill_tree(process: "subprocess.Popen[str]") -> None:
    """End a command and what it started: Pulumi's engine would go on making what `down` has just taken away."""
    for one in [*psutil.Process(process.pid).children(recursive=True), process]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()


def wait_until(condition: Callable[[], bool], within_s: float, what: str) -> float:
    """Poll until `condition` holds; returns the seconds it took, or fails saying what did not happen."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > within_s:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - started


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
