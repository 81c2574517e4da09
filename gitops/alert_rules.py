"""Prometheus' rules, written from the contract's SLO: `lookout monitoring rules` prints the file.

Alerts compare how fast a budget of bad requests is used up with how fast it may be, over a long and a short window at
once: the long one says that it matters, the short one that it still goes on (Site Reliability Workbook, chapter 5,
"multiwindow, multi-burn-rate alerts"). The short window of a page is the SLO's own. tests/contract holds the file in
gitops/config/ to this module's output, and promtool tests what the rules do.
"""

from typing import Any, Final, NamedTuple

import yaml

from gitops import drift_rules
from lookout import contract

FILE: Final = f"{contract.MONITORING}/prometheus/rules.yaml"
"""Where the rules stand in the configuration repository."""
IN_FLIGHT: Final = "namespace_pod:lookout_requests_in_flight:mean10s"
"""What the adapter serves as contract.METRIC_AUTOSCALING."""

LEAST_VIOLATIONS: Final = 10
"""Bad requests in the long window below which nothing is said: three requests, one of them bad, are no evidence."""

_HEADER: Final = """\
# Written by `lookout monitoring rules` from lookout/contract.py; edits belong there.
"""
_COUNT: Final = f"{contract.METRIC_REQUEST_SECONDS}_count"


class Objective(NamedTuple):
    """One SLO: the share of bad requests that is allowed, and what counts as bad among which."""

    name: str
    title: str
    budget: float
    window_s: int
    bad: str
    """PromQL of bad requests in `{window}`, by environment; an increase, not a rate."""
    all: str


class Burn(NamedTuple):
    """An alert's speed and its windows, as multiples of the SLO's own window."""

    severity: str
    times: float
    short: int
    long: int


BURNS: Final = (Burn("page", 14.4, 1, 12), Burn("ticket", 6.0, 6, 72))
"""The workbook's: with an SLO window of 5 minutes they are its 5 min and 1 h at 14.4, 30 min and 6 h at 6."""


def objectives() -> tuple[Objective, ...]:
    """The contract's SLO as counts of bad requests. A refused request (4xx) is its sender's affair, not the SLO's."""
    fast = f'{contract.METRIC_REQUEST_SECONDS}_bucket{{code="2xx",le="{contract.SLO_P99_S:g}"}}'
    right, ours, wrong = f'{_COUNT}{{code="2xx"}}', f'{_COUNT}{{code!="4xx"}}', f'{_COUNT}{{code="5xx"}}'
    return (
        Objective(
            "latency",
            f"answers slower than {contract.SLO_P99_S * 1000:g} ms",
            0.01,
            contract.SLO_P99_WINDOW_S,
            f"({_sum(right)} - {_sum(fast)})",
            _sum(right),
        ),
        Objective("errors", "errors", contract.SLO_ERROR_RATIO, contract.SLO_ERROR_WINDOW_S, _sum(wrong), _sum(ours)),
        Objective(
            "goodput",
            f"requests without a right answer within {contract.SLO_P99_S * 1000:g} ms",
            round(1 - contract.SLO_GOODPUT_RATIO, 6),
            contract.SLO_GOODPUT_WINDOW_S,
            f"({_sum(ours)} - {_sum(fast)})",
            _sum(ours),
        ),
    )


def groups() -> dict[str, Any]:
    """The rules file as data."""
    # Ratios and the alerts on them in one group: a group's rules are evaluated in order, two groups side by side.
    ratios = [rule for one in objectives() for rule in _ratios(one)]
    return {
        "groups": [
            {"name": "autoscaling", "interval": "2s", "rules": [_in_flight()]},
            {"name": "slo", "interval": "15s", "rules": [*ratios, *_burning()]},
            {"name": "scraping", "interval": "15s", "rules": _unseen()},
            drift_rules.group(),
        ]
    }


def render() -> str:
    """The rules file."""
    return _HEADER + yaml.safe_dump(groups(), sort_keys=False, width=10_000)


def ratio(objective: Objective, window_s: int) -> str:
    """Name of the recorded share of bad requests."""
    return f"environment:lookout_{objective.name}:bad_ratio{_text(window_s)}"


def _in_flight() -> dict[str, Any]:
    # Little's law: seconds spent in requests, in each second. A gauge sampled every two seconds would give five values
    # for this window; this counts every request that ended in it.
    spent = f"sum by (namespace, instance) (rate({contract.METRIC_REQUEST_SECONDS}_sum[10s]))"
    # Requests that hang for longer end in no window, and their pod would look idle: what every sample of the window
    # shows at least is in flight, too.
    hanging = f"max by (namespace, instance) (min_over_time({contract.METRIC_IN_FLIGHT}[10s]))"
    # The pod behind an address is the one seen last: a new pod may get the address of one that has just gone, whose
    # series goes on for minutes then, and two pods for one instance would end the rule for every pod.
    newest = f"topk by (namespace, instance) (1, timestamp({contract.METRIC_PROCESS})) > bool 0"
    either = f"(({spent} > {hanging}) or {hanging})"
    named = f"{either} * on (namespace, instance) group_left (pod) ({newest})"
    return {"record": IN_FLIGHT, "expr": f"sum by (namespace, pod) ({named})"}


def _ratios(objective: Objective) -> list[dict[str, Any]]:
    windows = sorted({objective.window_s * times for burn in BURNS for times in (burn.short, burn.long)})
    return [
        {
            "record": ratio(objective, window),
            "expr": f"{objective.bad} / {objective.all}".replace("{window}", _text(window)),
            "labels": {"slo": objective.name},
        }
        for window in windows
    ]


def _burning() -> list[dict[str, Any]]:
    rules = []
    for objective in objectives():
        for burn in BURNS:
            long_s = objective.window_s * burn.long
            over = f"> {burn.times * objective.budget:.6g}"
            conditions = (
                f"{ratio(objective, long_s)} {over}",
                f"{ratio(objective, objective.window_s * burn.short)} {over}",
                f"{objective.bad} >= {LEAST_VIOLATIONS}".replace("{window}", _text(long_s)),
            )
            rules.append(
                {
                    "alert": f"Lookout{objective.name.title()}Budget",
                    "expr": f"{conditions[0]}\nand {conditions[1]}\nand on (environment) {conditions[2]}",
                    "labels": {"severity": burn.severity, "slo": objective.name},
                    "annotations": {
                        "summary": f"{{{{ $labels.environment }}}}: too many {objective.title}",
                        "description": f"{{{{ $value | humanizePercentage }}}} in {_text(long_s)}; "
                        f"{objective.budget:.6g} is allowed, {burn.times:g} times that raises this.",
                    },
                }
            )
    return rules


def _unseen() -> list[dict[str, Any]]:
    summary = "{{ $labels.environment }}: no metrics of {{ $labels.instance }}"
    return [
        {
            "alert": "LookoutPodUnseen",
            "expr": 'up{job="detector"} == 0',
            "for": "1m",
            "labels": {"severity": "ticket"},
            "annotations": {
                "summary": summary,
                "description": "The autoscaler counts this pod as idle when it adds pods.",
            },
        },
        {
            "alert": "LookoutEnvironmentUnseen",
            # Pods that are gone have no `up` at all, and callers who find nobody are counted by nobody.
            "expr": 'count by (environment) (max_over_time(up{job="detector"}[1h]) == 1)\n'
            'unless on (environment) up{job="detector"} == 1',
            "for": "1m",
            "labels": {"severity": "page"},
            "annotations": {
                "summary": "{{ $labels.environment }}: no detector answers",
                "description": "One did within the last hour. Nobody counts the requests that are refused meanwhile.",
            },
        },
        {
            "alert": "LookoutNothingSeen",
            "expr": 'absent(up{job="detector"})',
            "for": "5m",
            "labels": {"severity": "page"},
            "annotations": {
                "summary": "No detector is scraped",
                "description": "Autoscalers keep the replicas they have, and no other alert can be raised.",
            },
        },
    ]


def _sum(selector: str) -> str:
    return f"sum by (environment) (increase({selector}[{{window}}]))"


def _text(seconds: int) -> str:
    """A window as Prometheus writes it: 90s, 5m, 6h."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
