"""Settings of a local node: what is refused, each test named after the mistake."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.node.spec import NodeSpec
from lookout import contract


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ({"name": "a-name-longer-than-ten"}, "name"),
        ({"name": "Upper"}, "name"),
        ({"link_cidr": "10.231.0.0/24"}, "must be a /30"),
        ({"pod_cidr": "10.232.0.0/26"}, "must be a /24 or wider"),
        ({"service_cidr": "10.233.0.0/28"}, "between a /12 and a /24"),
        ({"pod_cidr": "10.233.0.0/16"}, "overlaps"),
        ({"doors": {"prod": 8080, "staging": 8080}}, "two doors on port 8080"),
        ({"doors": {"prod": 0}}, "doors.prod"),
        ({"doors": {"back": 99}}, "doors.back"),
        ({"gpu": True}, "gpu"),
    ],
)
def test_refuses(mistake: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        NodeSpec.model_validate(mistake)


def test_the_defaults_are_the_contracts_doors_and_disjoint_ranges() -> None:
    spec = NodeSpec()
    assert spec.doors.model_dump() == contract.DOORS
    assert str(spec.address) == "10.231.0.2"
    assert str(spec.dns_address) == "10.233.0.10"


def test_what_is_written_down_is_read_back() -> None:
    spec = NodeSpec(name="other")
    assert NodeSpec.model_validate_json(spec.model_dump_json()) == spec
