"""The road from `up` to a photo's boxes, releases by push, healing, and what must not break running detectors."""

import subprocess
import threading
import time
from io import BytesIO
from pathlib import Path

import httpx
import pytest
import yaml
from PIL import Image

from lookout import contract, oci
from lookout.artifact import Artifact
from service import image
from service.model import photos
from service.schema import DetectResponse
from tests.cluster.road import Road, wait_until

pytestmark = pytest.mark.cluster
PHOTO = photos.sample_photos()["chelsea"]


def detect(road: Road, environment: str, photo: bytes = PHOTO) -> httpx.Response:
    headers = {"content-type": "image/jpeg"}
    return httpx.post(road.url(environment, contract.DETECT_PATH), content=photo, headers=headers, timeout=30)


def digests(road: Road, environment: str) -> set[str]:
    """Digests of the environment's ready pods."""
    pods = road.get("pods", f"--namespace={contract.namespace(environment)}")["items"]
    return {
        pod["spec"]["containers"][0]["image"].rpartition("@")[2]
        for pod in pods
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
        and "deletionTimestamp" not in pod["metadata"]
    }


def applied(road: Road, environment: str) -> str:
    """Digest in the environment's Deployment."""
    deployment = road.get("deployment", contract.DETECTOR, f"--namespace={contract.namespace(environment)}")
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"].rpartition("@")[2])


def released(road: Road, environment: str) -> str:
    """Digest that git names."""
    document = yaml.safe_load((road.deploy / contract.CONFIG_ENVS / environment / contract.VERSION_FILE).read_text())
    return str(document["spec"]["template"]["spec"]["containers"][0]["image"].rpartition("@")[2])


@pytest.fixture(scope="module")
def next_artifact(road: Road) -> Artifact:
    """A second image of the same bento (one label more), pushed and recorded as a build would have been."""
    built = image.build_image()
    config = image.config(built.bento, built.model, None)
    labelled = config.model_copy(update={"labels": {**config.labels, "lookout.dev/test": "next"}})
    variant = oci.image(f"{contract.IMAGE_REPOSITORY}:next", built.image.layers, labelled)
    digest = oci.push(variant, f"127.0.0.1:{road.doors['registry']}/{contract.DETECTOR}")
    artifact = Artifact(bento=f"{built.bento}-next", model=built.model, image=f"{contract.IMAGE_REPOSITORY}@{digest}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(road.state))
        artifact.save()
    return artifact


@pytest.mark.parametrize("environment", contract.ENVIRONMENTS)
def test_every_environment_detects_the_cat_through_its_door(road: Road, environment: str) -> None:
    answer = detect(road, environment)
    assert answer.status_code == 200
    found = DetectResponse.model_validate(answer.json())
    assert [one.label for one in found.detections] == ["cat"]


def test_a_second_up_changes_nothing_and_takes_at_most_20_seconds_and_another_beside_it_is_refused(road: Road) -> None:
    lock = road.state / "lookout" / "up.lock"
    started = time.monotonic()
    again = road.start("up")
    wait_until(lambda: lock.read_text() == str(again.pid), 10, "the second up holds the lock")
    beside = road.lookout("up", check=False)
    said, _ = again.communicate(timeout=120)
    assert time.monotonic() - started <= 20
    assert again.returncode == 0, said
    assert next(line for line in said.splitlines() if "✓ Cluster (pulumi up)" in line).endswith("unchanged")
    assert beside.returncode == 1
    assert f"process {again.pid}" in beside.stderr


def test_plain_pulumi_up_says_unchanged_within_15_seconds(road: Road) -> None:
    started = time.monotonic()
    done = road.pulumi("up", "--yes", "--skip-preview")
    assert time.monotonic() - started <= 15
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unchanged" in done.stdout
    assert not any(word in done.stdout for word in (" created", " updated", " deleted", " replaced"))


def test_pods_come_from_the_commit_and_digest_in_git(road: Road) -> None:
    for environment in contract.ENVIRONMENTS:
        assert digests(road, environment) == {released(road, environment)}
        application = road.get("application", contract.application(environment), "--namespace=argocd")
        assert application["status"]["sync"]["revision"] == road.git("rev-parse", "HEAD")


def test_push_of_a_release_reaches_dev_at_once(road: Road, next_artifact: Artifact) -> None:
    digest = next_artifact.image.rpartition("@")[2]
    started = time.monotonic()
    road.lookout("release", "cut", "--push")
    pushed_s = time.monotonic() - started
    applied_s = wait_until(lambda: applied(road, "dev") == digest, 30, "the pushed digest is in dev's Deployment")
    ready_s = applied_s + wait_until(lambda: digests(road, "dev") == {digest}, 60, "dev's pods run the pushed digest")
    print(f"cut and push {pushed_s:.1f} s; applied {applied_s:.1f} s after it; all pods Ready {ready_s:.1f} s after it")
    assert applied_s <= 10, "the post-receive hook must reach Argo CD at once; a poll would take up to three minutes"


def test_promotion_to_prod_loses_no_request(road: Road, next_artifact: Artifact) -> None:
    """Two clients ask prod all the while; a rolling update must not cost them an answer."""
    digest = next_artifact.image.rpartition("@")[2]
    road.lookout("release", "promote", "dev", "staging", "--push")
    statuses: list[int | str] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                try:
                    url = road.url("prod", contract.DETECT_PATH)
                    statuses.append(client.post(url, content=PHOTO, headers={"content-type": "image/jpeg"}).status_code)
                except httpx.HTTPError as error:
                    statuses.append(repr(error))
                time.sleep(0.02)

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    try:
        time.sleep(1)
        road.lookout("release", "promote", "staging", "prod", "--push")
        wait_until(lambda: digests(road, "prod") == {digest}, 120, "prod's pods run the promoted digest")
        pods = f"--namespace={contract.namespace('prod')}"
        wait_until(lambda: len(road.get("pods", pods)["items"]) == 2, 90, "the old pods are gone")
        time.sleep(1)
    finally:
        stop.set()
        for client in clients:
            client.join()
    print(f"{len(statuses)} requests while prod rolled over")
    assert len(statuses) > 100
    assert [status for status in statuses if status != 200] == []


def test_status_shows_git_beside_cluster_and_prod_is_settled(road: Road) -> None:
    shown = road.lookout("release", "status", "--json")
    states = {state["environment"]: state for state in yaml.safe_load(shown.stdout)["environments"]}
    for environment in contract.ENVIRONMENTS:
        assert states[environment]["sync"] == "Synced"
        assert states[environment]["running"] == [released(road, environment)]


def test_rollback_is_a_commit_and_restores_the_earlier_digest(road: Road) -> None:
    before = released(road, "prod")
    commits = int(road.git("rev-list", "--count", "HEAD"))
    road.lookout("release", "rollback", "prod", "--push")
    assert released(road, "prod") != before
    assert int(road.git("rev-list", "--count", "HEAD")) == commits + 1
    wait_until(lambda: digests(road, "prod") == {released(road, "prod")}, 120, "prod's pods run the earlier digest")


def test_a_hand_edit_in_the_cluster_is_healed(road: Road) -> None:
    namespace = f"--namespace={contract.namespace('prod')}"
    road.kubectl("scale", "deployment/detector", "--replicas=1", namespace)

    def healed() -> bool:
        return bool(road.get("deployment", "detector", namespace)["spec"]["replicas"] == 2)

    took = wait_until(healed, 60, "Argo CD restores two replicas")
    print(f"healed after {took:.1f} s")


def test_a_manifest_that_does_not_render_takes_nothing_down_and_shows_its_error(road: Road) -> None:
    kustomization = road.deploy / contract.CONFIG_ENVS / "staging" / "kustomization.yaml"
    sound = kustomization.read_text()
    running = digests(road, "staging")
    kustomization.write_text(sound.replace("path: scaling.yaml", "path: no-such-file.yaml"))
    road.git("commit", "--quiet", "--all", "--message", "Break staging")
    road.git("push", "--quiet")

    def shown() -> bool:
        return "no-such-file.yaml" in road.lookout("release", "status", check=False).stdout

    wait_until(shown, 60, "the rendering error shows in lookout release status")
    assert digests(road, "staging") == running
    assert detect(road, "staging").status_code == 200
    road.git("revert", "--no-edit", "HEAD")
    road.git("push", "--quiet")
    wait_until(
        lambda: "no-such-file.yaml" not in road.lookout("release", "status", check=False).stdout,
        60,
        "the error is gone",
    )


def test_the_door_takes_pushes_and_pods_can_only_read(road: Road) -> None:
    inside = f"http://{road.spec.address}:{contract.DOORS['git']}/{contract.GIT_REPOSITORY}/info/refs"
    assert httpx.get(inside, params={"service": "git-upload-pack"}).status_code == 200
    assert httpx.get(inside, params={"service": "git-receive-pack"}).status_code == 403


def test_a_push_that_rewrites_history_is_refused(road: Road) -> None:
    head = road.git("rev-parse", "HEAD")
    forced = subprocess.run(
        ["git", "-C", str(road.deploy), "push", "--force", "origin", "HEAD~1:main"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert forced.returncode != 0
    assert road.git("ls-remote", "origin", "refs/heads/main").split()[0] == head


def test_logs_show_what_a_pod_says(road: Road) -> None:
    assert "ready" in road.lookout("logs", "dev", "--tail", "50").stdout


def test_large_photos_at_once_end_in_answers_not_in_restarts(road: Road) -> None:
    """Forty megapixels is the limit: three at once must fit the pod's memory."""
    buffer = BytesIO()
    Image.effect_noise((1000, 1000), 40).resize((8000, 5000)).convert("RGB").save(buffer, "JPEG", quality=80)
    largest = buffer.getvalue()
    answers: list[int] = []
    clients = [
        threading.Thread(target=lambda: answers.append(detect(road, "dev", largest).status_code)) for _ in range(3)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert len(answers) == 3
    assert set(answers) <= {200, 503}
    assert 200 in answers
    pods = road.get("pods", f"--namespace={contract.namespace('dev')}")["items"]
    assert [pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods] == [0]


def test_no_secret_reaches_git_or_plain_state(road: Road) -> None:
    key = yaml.safe_load(road.kubeconfig.read_text())["users"][0]["user"]["client-key-data"]
    assert road.kubeconfig.stat().st_mode & 0o777 == 0o600
    state = road.state / "lookout" / "pulumi"
    for file in (path for path in state.rglob("*") if path.is_file()):
        assert key not in file.read_text(errors="replace"), f"{file} holds the administrator's key in plain text"
    logs = [*(road.state / "lookout" / "logs").glob("*"), *(road.kubeconfig.parent / "logs").glob("*")]
    assert logs
    for file in logs:
        text = file.read_text(errors="replace")
        assert key not in text, f"{file} holds the administrator's key"
        assert "Using token" not in text, f"{file} holds kubeadm's bootstrap token"
    tracked = [road.deploy / name for name in road.git("ls-files").splitlines()]
    assert not any(key in Path(path).read_text(errors="replace") for path in tracked)
