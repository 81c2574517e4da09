"""Evidence of a run: what is in it, where it goes, and what is refused."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from loadtest.arrivals import Replay
from loadtest.gate.evidence import Evidence, load_evidence, target_name
from loadtest.gate.evidence_file import check_evidence, image_digest, write_evidence
from loadtest.gate.judge import judge
from loadtest.gate.slo import parse_slo
from loadtest.result import LoadResult
from loadtest.settings import LoadSettings
from lookout.artifact import Artifact
from lookout.errors import LookoutError, UsageError
from lookout.paths import PROJECT_ROOT
from tests.unit.loadtest.build import MODEL, load_result

SLO = parse_slo("p99<=100ms,errors<=1%")
DIGEST = "sha256:" + "a" * 64


@pytest.fixture(autouse=True)
def _own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LOOKOUT_DEPLOY_DIR", str(tmp_path / "deploy"))


def judged(bento: str = "detector:83d43ddfcd70", **settings: object) -> LoadResult:
    run = load_result([25.0] * 1_000, slo=SLO, service={"bento": bento})
    run = run.model_copy(update={"settings": run.settings.model_copy(update=settings)})
    return run.model_copy(update={"verdict": judge(run, SLO)})


def test_says_what_was_tested_how_and_with_what_verdict() -> None:
    run = judged(profile="release-gate", seed=7)
    evidence = Evidence.of(run, DIGEST)
    assert evidence.schema_version == 1
    assert re.fullmatch(r"lookout \d+\.\d+\.\d+", evidence.tool)
    assert (evidence.subject.target, evidence.subject.bento, evidence.subject.digest) == (
        "prod",
        "detector:83d43ddfcd70",
        DIGEST,
    )
    assert evidence.subject.models == (MODEL,)
    assert evidence.arrivals == {"kind": "poisson", "rate": 100.0}
    assert (evidence.profile, evidence.seed, evidence.loop, evidence.slo) == ("release-gate", 7, "open", SLO)
    assert evidence.verdict == run.verdict
    assert evidence.verdict.outcome == "pass"
    assert evidence.counts.ok == 1_000
    assert evidence.generator_faults == ()
    assert "intended_s" not in evidence.model_dump_json()


def test_hashes_are_of_canonical_json_so_that_anybody_can_work_them_out_from_the_result() -> None:
    run = judged()
    evidence = Evidence.of(run)
    for part, found in [("settings", evidence.settings_sha256), ("samples", evidence.samples_sha256)]:
        content = json.loads(run.model_dump_json())[part]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        assert found == hashlib.sha256(text.encode()).hexdigest()


def test_the_same_settings_have_the_same_hash_and_another_seed_another() -> None:
    assert Evidence.of(judged()).settings_sha256 == Evidence.of(judged()).settings_sha256
    assert Evidence.of(judged()).settings_sha256 != Evidence.of(judged(seed=2)).settings_sha256


def test_a_trace_is_named_and_counted_not_copied() -> None:
    replay = Replay(trace="monday.csv", times_s=tuple(i / 100 for i in range(1_000)))
    assert Evidence.of(judged(arrivals=replay)).arrivals == {"kind": "replay", "trace": "monday.csv", "starts": 1_000}


def test_a_run_without_a_verdict_is_no_evidence() -> None:
    with pytest.raises(ValueError, match="without a verdict"):
        Evidence.of(load_result([25.0]))


def test_survives_a_file(tmp_path: Path) -> None:
    evidence = Evidence.of(judged(), DIGEST)
    evidence.save(tmp_path / "new" / "evidence.json")
    assert load_evidence(tmp_path / "new" / "evidence.json") == evidence
    assert json.loads((tmp_path / "new" / "evidence.json").read_text())["schema_version"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": 2}', "has schema version 2, this program reads 1"),
        ("{}", "schema_version"),
        ("half", "is no evidence"),
        ('{"schema_version": 1}', "is no evidence: tool"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(LookoutError, match=re.escape(message)):
        load_evidence(tmp_path / "x.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="cannot read"):
        load_evidence(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://127.0.0.1:8080", "prod"),
        ("http://localhost:8082", "dev"),
        ("http://detector.lookout-staging", "staging"),
        ("http://detector.lookout-prod.svc.cluster.local:80", "prod"),
        ("http://127.0.0.1:3001", "127.0.0.1:3001"),
        ("https://detector.example.org", "detector.example.org"),
    ],
)
def test_a_target_is_called_by_its_environment_where_it_is_one(url: str, name: str) -> None:
    assert target_name(url) == name


def test_goes_into_the_configurations_clone_under_the_images_digest(tmp_path: Path) -> None:
    Artifact(
        bento="detector:83d43ddfcd70", model="m:1", image=f"registry.lookout.internal:5000/detector@{DIGEST}"
    ).save()
    path = write_evidence(judged(profile="release-gate"), "deploy")
    wanted = tmp_path / "deploy" / "evidence" / DIGEST.replace(":", "-") / "release-gate-20260102T030405Z.json"
    assert path == wanted
    assert load_evidence(path).subject.digest == DIGEST
    assert [file for file in (tmp_path / "deploy").rglob("*") if file.is_file()] == [wanted]


def test_goes_under_the_bento_where_the_image_is_unknown_and_under_custom_without_a_profile(tmp_path: Path) -> None:
    path = write_evidence(judged(), "deploy")
    assert path.relative_to(tmp_path) == Path("deploy/evidence/detector-83d43ddfcd70/custom-20260102T030405Z.json")


@pytest.mark.parametrize("bento", ["", "../../etc:passwd", "a/b:c", "detector"])
def test_what_a_server_says_of_itself_never_decides_a_path(tmp_path: Path, bento: str) -> None:
    with pytest.raises(LookoutError, match="does not say which bento"):
        write_evidence(judged(bento), "deploy")
    assert not (tmp_path / "deploy").exists()
    assert image_digest(bento) is None


def test_goes_to_a_file_of_ones_choice(tmp_path: Path) -> None:
    assert write_evidence(judged(""), str(tmp_path / "mine.json")) == tmp_path / "mine.json"


def test_is_refused_before_the_load_when_it_could_not_be_written(tmp_path: Path) -> None:
    with_slo = LoadSettings(slo=SLO)
    with pytest.raises(UsageError, match="without an SLO"):
        check_evidence("x.json", LoadSettings())
    with pytest.raises(UsageError, match="is a directory"):
        check_evidence(str(tmp_path), with_slo)
    with pytest.raises(UsageError, match="only the detector says"):
        check_evidence("deploy", LoadSettings(slo=SLO, expect="any"))
    with pytest.raises(LookoutError, match="no clone of the configuration"):
        check_evidence("deploy", with_slo)
    (tmp_path / "deploy" / ".git").mkdir(parents=True)
    check_evidence("deploy", with_slo)
    check_evidence(str(tmp_path / "new" / "x.json"), with_slo)


def test_its_page_names_every_field() -> None:
    page = (PROJECT_ROOT / "docs" / "evidence.md").read_text()
    for field in Evidence.model_fields:
        assert f"`{field}`" in page, field
