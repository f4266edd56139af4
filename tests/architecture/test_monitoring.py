"""Alerts and dashboards use existing metrics and labels.

`promql-parser`, which uses the grammar of Prometheus, parses PromQL. If Prometheus is installed, its `promtool` checks the
files and runs the alert tests in `monitoring/alerts.test.yml`. If it is not, these tests are skipped; with
`PROMTOOL_REQUIRED=1`, as in CI, they fail.
"""

import ast
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
import yaml

from devstack.services import PLATFORM
from tests.architecture.compose import ROOT

MONITORING: Final = ROOT / "monitoring"
RUNBOOKS: Final = (ROOT / "docs/runbooks.md").read_text()
SERVICES: Final = ("common", "rabbitmq", "users", "orders", "events", "inventory", "orchestrator", "gateway")
KINDS: Final = {"Counter", "Gauge", "Histogram"}
# Labels that Prometheus adds, and the bucket label of a histogram.
FROM_PROMETHEUS: Final = {"job", "instance", "le"}
# Metrics of Prometheus itself, of the Python client, and of RabbitMQ's exporter from 3.10 to 4.x
# (https://www.rabbitmq.com/docs/prometheus; deps/rabbitmq_prometheus/metrics.md in its source).
OTHERS: Final[dict[str, set[str]]] = {
    "up": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
    "python_gc_collections_total": {"generation"},
    "rabbitmq_queue_messages": {"queue", "vhost"},
    "rabbitmq_queue_messages_ready": {"queue", "vhost"},
    "rabbitmq_queue_messages_unacked": {"queue", "vhost"},
    "rabbitmq_queue_consumers": {"queue", "vhost"},
    "rabbitmq_alarms_memory_used_watermark": set(),
    "rabbitmq_alarms_free_disk_space_watermark": set(),
    "rabbitmq_process_resident_memory_bytes": set(),
    "rabbitmq_resident_memory_limit_bytes": set(),
}
DASHBOARDS: Final = sorted((MONITORING / "grafana/dashboards").glob("*.json"))
ALERTS: Final[list[dict[str, Any]]] = [
    rule for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
ALERT_NAMES: Final = [alert["alert"] for alert in ALERTS]
NOT_ALERTED: Final = "Lost messages"
# A Grafana variable, substituted when a panel is drawn.
INTERVAL: Final = "$__rate_interval"
TEMPLATE_LABEL: Final = re.compile(r"\$labels\.(\w+)")


def defined_metrics() -> dict[str, set[str]]:
    """Return the labels of every metric that the services define, by the names that Prometheus gives it."""
    found: dict[str, set[str]] = {}
    for file in (file for service in SERVICES for file in (ROOT / service).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS and node.args:
                if not isinstance(node.args[0], ast.Constant):
                    continue  # the standard library's Counter
                name, _, *labels = [ast.literal_eval(argument) for argument in node.args]
                names = [f"{name}_{part}" for part in ("bucket", "count", "sum")]
                for one in names if node.func.id == "Histogram" else [name]:
                    found[one] = set(labels[0]) if labels else set()
    return found


KNOWN: Final = OTHERS | defined_metrics()


def selectors(query: str) -> list[promql_parser.VectorSelector]:
    """Return the selectors of a query.

    Raises:
        ValueError: the query is not valid PromQL.
    """
    found: list[promql_parser.VectorSelector] = []

    def visit(part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.MatrixSelector):
            found.append(part.vector_selector)
        elif isinstance(part, promql_parser.VectorSelector):
            found.append(part)

    promql_parser.walk(promql_parser.parse(query.replace(INTERVAL, "1m")), visit)
    return found


def check_queries_existing_metrics(query: str) -> None:
    read = selectors(query)
    assert read, query
    for selector in read:
        assert selector.name in KNOWN, f"{selector.name} is not defined: {query}"
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= KNOWN[selector.name] | FROM_PROMETHEUS, f"{selector.name} has no such labels: {query}"


def panels(dashboard: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard.read_text())["panels"]
    return found


@pytest.mark.parametrize("alert", ALERTS, ids=ALERT_NAMES)
class TestAlert:
    def test_queries_existing_metrics(self, alert: dict[str, Any]) -> None:
        check_queries_existing_metrics(alert["expr"])

    def test_has_severity_runbook_and_summary(self, alert: dict[str, Any]) -> None:
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["annotations"]["runbook"] == f"docs/runbooks.md#{alert['alert'].lower()}"
        assert alert["annotations"]["summary"]

    def test_summary_uses_only_remaining_labels(self, alert: dict[str, Any]) -> None:
        named = set(TEMPLATE_LABEL.findall(alert["annotations"]["summary"]))
        kept = {label for labels in re.findall(r"by \(([^)]*)\)", alert["expr"]) for label in labels.split(", ")}
        assert named <= kept | FROM_PROMETHEUS


def test_every_alert_has_a_runbook() -> None:
    headings = re.findall(r"^## (.+)$", RUNBOOKS, flags=re.MULTILINE)
    assert headings == [*ALERT_NAMES, NOT_ALERTED]


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_runbook_has_all_sections_in_order(name: str) -> None:
    section = RUNBOOKS.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    places = [section.find(f"**{part}.**") for part in ("Means", "First look", "Remedy", "Resolved when")]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda file: file.stem)
class TestDashboard:
    def test_queries_existing_metrics(self, dashboard: Path) -> None:
        for panel in panels(dashboard):
            assert panel["targets"], panel["title"]
            for target in panel["targets"]:
                check_queries_existing_metrics(target["expr"])

    def test_panels_do_not_overlap(self, dashboard: Path) -> None:
        """A Grafana dashboard is 24 columns wide. Overlapping panels would hide each other."""
        taken: set[tuple[int, int]] = set()
        for place in (panel["gridPos"] for panel in panels(dashboard)):
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken
            assert max(x for x, _ in cells) < 24
            taken |= cells

    def test_panels_use_the_provisioned_data_source(self, dashboard: Path) -> None:
        file = MONITORING / "grafana/provisioning/datasources/prometheus.yml"
        [source] = yaml.safe_load(file.read_text())["datasources"]
        asked = {target["datasource"]["uid"] for panel in panels(dashboard) for target in panel["targets"]}
        assert asked == {source["uid"]}


def test_every_dashboard_exists() -> None:
    assert [file.stem for file in DASHBOARDS] == ["door", "jobs", "messages", "on-sale", "sagas", "services"]
    assert len({json.loads(file.read_text())["uid"] for file in DASHBOARDS}) == len(DASHBOARDS)


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.local.yml"])
def test_scrape_jobs_match_the_processes_and_alerts(name: str) -> None:
    jobs = {job["job_name"] for job in yaml.safe_load((MONITORING / name).read_text())["scrape_configs"]}
    assert jobs == {spec.name for spec in PLATFORM if spec.name != "sandbox"} | {"rabbitmq"}
    missed = re.findall(r'absent\(up\{job="(\w+)"}\)', (MONITORING / "alerts.yml").read_text())
    assert sorted(missed) == sorted(jobs)


@pytest.mark.parametrize(
    "command",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "config", "prometheus.local.yml"),
        ("test", "rules", "alerts.test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_the_files(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        missing = f"NOT TESTED: `promtool {' '.join(command)}`. It comes with Prometheus: apt-get install prometheus"
        assert not os.environ.get("PROMTOOL_REQUIRED"), missing
        pytest.skip(missing)
    checked = subprocess.run([promtool, *command], cwd=MONITORING, capture_output=True, text=True, check=False)  # noqa: S603
    assert checked.returncode == 0, checked.stdout + checked.stderr
