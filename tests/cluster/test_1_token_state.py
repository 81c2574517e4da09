"""API tokens through the real Pulumi: set encrypted, handed to the provider, kept encrypted. No cluster is needed: the
Kubernetes provider writes its objects into a folder."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lookout import contract, environment, paths

pytestmark = pytest.mark.cluster

MADE_UP = "unmistakable-token-7f3a"
PROGRAM = f"""
import sys
sys.path.insert(0, {str(paths.PROJECT_ROOT)!r})
import pulumi, pulumi_kubernetes
from infra import settings
from infra.platform import api_tokens

class Folder:
    provider = pulumi_kubernetes.Provider("folder", render_yaml_to_directory="objects")
    def inside(self, *needs):
        return pulumi.ResourceOptions(provider=self.provider, depends_on=list(needs))

api_tokens.provide(settings.from_pulumi(), Folder())
"""


def test_a_token_reaches_the_secrets_and_is_nowhere_in_plain_text(tmp_path: Path) -> None:
    project, state = tmp_path / "project", tmp_path / "state"
    for folder in (project, state):
        folder.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (project / "Pulumi.yaml").write_text(f"name: lookout\nruntime: {runtime}\n")
    (project / "__main__.py").write_text(PROGRAM)
    own = {"PULUMI_BACKEND_URL": state.as_uri(), "PULUMI_CONFIG_PASSPHRASE": "of this test"}
    known = {
        name: value
        for name, value in environment.complete(os.environ | own).items()
        if name not in ("KUBECONFIG", "PULUMI_CONFIG_PASSPHRASE_FILE")
    } | own

    def pulumi(*words: str, given: str = "") -> str:
        command = ["pulumi", *words, "--stack", "test", "--non-interactive"]
        done = subprocess.run(
            command, cwd=project, env=known, input=given, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pulumi("stack", "init")
    pulumi("config", "set", "--path", "lookout:apiTokens[0]", "--secret", given=MADE_UP)
    said = pulumi("up", "--yes", "--skip-preview")
    assert pulumi("config", "get", "--path", "lookout:apiTokens[0]").strip() == MADE_UP  # as `lookout up` asks

    encoded = base64.b64encode(f"{MADE_UP}\n".encode()).decode()
    secrets = [file.read_text() for file in (project / "objects").rglob(f"*secret*{contract.API_TOKENS_SECRET}*")]
    assert len(secrets) == len(contract.ENVIRONMENTS)
    assert all(MADE_UP in secret or encoded in secret for secret in secrets)
    kept = [file for folder in (state, project) for file in folder.rglob("*") if file.is_file()]
    readable = [file for file in kept if "objects" not in file.parts]
    assert [file for file in readable if (project / "Pulumi.test.yaml") == file]
    assert any(b"ciphertext" in file.read_bytes() for file in readable)
    for file in readable:
        content = file.read_bytes()
        assert MADE_UP.encode() not in content, file
        assert encoded.encode() not in content, file
    assert MADE_UP not in said
