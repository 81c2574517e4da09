"""scaling.yaml and settings.yaml of an environment, as far as they say how many pods and how much each takes. Pure."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict

from lookout import contract
from lookout.errors import LookoutError

RECORD_ANNOTATION: Final = "lookout.dev/capacity"
"""On the autoscaler: the capacity record that its numbers come from."""
MACHINES_ANNOTATION: Final = "lookout.dev/pool-machines"
"""On the autoscaler: how many machines of the record's type its pods may fill."""
QUEUE: Final = "LOOKOUT_QUEUE"
THREADS: Final = "LOOKOUT_THREADS"

_TEMPLATE: Final = """\
# How many: what the autoscaler finds between these bounds. The Deployment names no replicas beside it.
# Written by `lookout release size` from a measurement; `lookout release check` refuses what contradicts it.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
  annotations:
    {record_key}: {record}
    {machines_key}: "{machines}"
spec:
  minReplicas: {least}
  maxReplicas: {most}
  metrics:
    - type: Pods
      pods:
        metric:
          # Requests in flight in one pod, its mean over ten seconds.
          name: {metric}
        target:
          type: AverageValue
          averageValue: {target_millis}m
"""


class Scaling(BaseModel):
    """What a scaling.yaml says. Without an autoscaler `least` and `most` are the fixed number."""

    model_config = ConfigDict(frozen=True)

    autoscaled: bool
    least: int
    most: int
    target: float | None
    """In flight per pod."""
    record: str | None
    """Path of the capacity record it was sized from."""
    machines: int


def render(*, least: int, most: int, target: float, record: str, machines: int) -> str:
    """The whole file for an autoscaled environment."""
    return _TEMPLATE.format(
        name=contract.DETECTOR,
        record_key=RECORD_ANNOTATION,
        record=record,
        machines_key=MACHINES_ANNOTATION,
        machines=machines,
        least=least,
        most=most,
        metric=contract.METRIC_AUTOSCALING,
        target_millis=round(target * 1000),
    )


def parse(text: str, source: str) -> Scaling:
    """The numbers of a scaling.yaml. LookoutError when they cannot be found in it."""
    documents = _documents(text, source)
    try:
        scaler = next((one for one in documents if one["kind"] == "HorizontalPodAutoscaler"), None)
        if scaler is None or scaler.get("$patch") == "delete":
            replicas = int(next(one for one in documents if one["kind"] == "Deployment")["spec"]["replicas"])
            return Scaling(autoscaled=False, least=replicas, most=replicas, target=None, record=None, machines=1)
        annotations = scaler["metadata"].get("annotations", {})
        target = scaler["spec"]["metrics"][0]["pods"]["target"]["averageValue"]
        return Scaling(
            autoscaled=True,
            least=int(scaler["spec"]["minReplicas"]),
            most=int(scaler["spec"]["maxReplicas"]),
            target=_quantity(str(target)),
            record=annotations.get(RECORD_ANNOTATION),
            machines=int(annotations.get(MACHINES_ANNOTATION, 1)),
        )
    except (KeyError, IndexError, TypeError, ValueError, StopIteration, InvalidOperation) as error:
        raise LookoutError(
            f"{source} says neither fixed replicas nor the autoscaler's bounds and target in a form known here",
            "compare with gitops/config/detector/envs/ of the project",
        ) from error


def variables(text: str, source: str) -> dict[str, str]:
    """Environment variables of the detector's container in a settings.yaml."""
    try:
        (document,) = _documents(text, source)
        containers = document["spec"]["template"]["spec"]["containers"]
        one = next(item for item in containers if item["name"] == contract.DETECTOR)
        return {str(item["name"]): str(item["value"]) for item in one.get("env", ())}
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise LookoutError(
            f"{source} is not a patch of the detector's settings", "compare with gitops/config/detector/envs/"
        ) from error


def with_variable(text: str, name: str, value: str, source: str) -> str:
    """The settings with one variable set, everything else and every comment as it was.

    LookoutError where the file has a form in which that cannot be done safely.
    """
    present = variables(text, source)
    if name in present:
        entry = re.compile(rf"^(\s*- name: {re.escape(name)}\n\s*value: ).*$", re.MULTILINE)
        changed = entry.sub(rf'\g<1>"{value}"', text)
    else:
        last = list(re.finditer(r"^(?P<dash>\s*- )name: LOOKOUT_\w+\n\s*value: .*\n?", text, re.MULTILINE))
        if not last:
            raise _by_hand(name, value, source)
        dash, end = last[-1]["dash"], last[-1].end()
        head = text[:end] if text[:end].endswith("\n") else text[:end] + "\n"
        changed = f'{head}{dash}name: {name}\n{" " * len(dash)}value: "{value}"\n{text[end:]}'
    if variables(changed, source) != present | {name: value}:
        raise _by_hand(name, value, source)
    return changed


def changed(before: Mapping[str, str | None], after: Mapping[str, str]) -> dict[str, str]:
    """The files of `after` whose text is another than before."""
    return {path: text for path, text in after.items() if before.get(path) != text}


def _documents(text: str, source: str) -> list[dict[str, Any]]:
    try:
        found: Iterable[Any] = yaml.safe_load_all(text)
        return [one for one in found if isinstance(one, dict)]
    except yaml.YAMLError as error:
        raise LookoutError(f"{source} is not YAML: {error}", "mend it, or take it back with git") from error


def _quantity(text: str) -> float:
    return float(Decimal(text[:-1]) / 1000 if text.endswith("m") else Decimal(text))


def _by_hand(name: str, value: str, source: str) -> LookoutError:
    return LookoutError(f"{source} is written in a form that is not edited here", f'set {name} to "{value}" in it')
