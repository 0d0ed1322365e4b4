"""Prometheus' own judgement of metrics and rules."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab.process import command


def promtool(*arguments: str, given: str = "") -> tuple[int, str]:
    """Exit code and all output."""
    program = command("promtool")
    if program is None:
        raise RuntimeError("promtool is not installed")
    done = subprocess.run(
        [program, *arguments],
        check=False,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout


def rules_of(manifest: Path) -> dict[str, Any]:
    """The file of rules in a PrometheusRule, as a plain Prometheus reads it."""
    found: dict[str, Any] = yaml.safe_load(manifest.read_text())["spec"]
    return found


def firing(
    folder: Path, rules: Mapping[str, Any], series: Mapping[str, str], at: str, expected: Mapping[str, Sequence[Any]]
) -> tuple[int, str]:
    """Whether exactly these alerts fire: name of the alert → the labels of each that does, ``severity`` included.

    ``series`` are samples in promtool's notation, one every 15 s; ``at`` is a time such as ``5m``.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    samples = [{"series": name, "values": values} for name, values in series.items()]
    tests = [
        {"alertname": name, "eval_time": at, "exp_alerts": [{"exp_labels": dict(labels)} for labels in found]}
        for name, found in expected.items()
    ]
    unit = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "15s",
        "tests": [{"interval": "15s", "input_series": samples, "alert_rule_test": tests}],
    }
    (folder / "tests.yaml").write_text(yaml.safe_dump(unit))
    return promtool("test", "rules", str(folder / "tests.yaml"))
