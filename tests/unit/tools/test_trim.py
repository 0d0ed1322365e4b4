"""What the image leaves out of Mooring's dependencies (deploy/image/trim.py), as this environment has them whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TRIM = Path(__file__).parents[3] / "deploy/image"
REACH = """
import ast, collections, importlib, json, pathlib, pkgutil, sys, sysconfig
import mooring, trim

packages = pathlib.Path(sysconfig.get_path("purelib"))
places = [path.relative_to(packages) for path in trim.found(packages) if path.suffix in ("", ".py")]
left_out = {".".join(place.with_suffix("").parts) for place in places}
for module in pkgutil.walk_packages(mooring.__path__, "mooring."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

def gone(name):
    parts = name.split(".")
    return any(".".join(parts[: end + 1]) in left_out for end in range(len(parts)))

def imported(module, node):
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    package = (module.__package__ or "").split(".")
    above = package[: len(package) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    return [base, *(f"{base}.{one.name}" for one in node.names)]

asked = collections.defaultdict(set)
for name, module in list(sys.modules.items()):
    path = getattr(module, "__file__", None) or ""
    if path.startswith(str(packages)) and path.endswith(".py") and not gone(name):
        for node in ast.walk(ast.parse(pathlib.Path(path).read_bytes())):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                asked[name] |= {target for target in imported(module, node) if gone(target)}
loaded = {name.partition(".")[0] for name in sys.modules if gone(name)}
print(json.dumps([sorted(loaded), {name: sorted(found) for name, found in asked.items() if found}]))
"""


@pytest.mark.slow
def test_no_import_leads_to_what_is_left_out() -> None:
    """Of all modules that Mooring loads, only these mention a module that the image lacks, and none needs it."""
    words = [sys.executable, "-c", REACH]
    done = subprocess.run(words, env={"PYTHONPATH": str(TRIM)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded, asked = json.loads(done.stdout)
    assert loaded == ["attr"], "found by rich where it is there"
    assert set(asked) == {
        "dateutil.tz.tz",  # inside a function that reads calendars
        "dns.resolver",  # on Windows
        "jinja2.environment",  # for the type checker
        "jinja2.filters",  # for the type checker
        "kubernetes.client",  # names each class of the API, and loads it when first asked for
        "kubernetes.client.models",  # so does this
        "kubernetes.utils.metrics",  # inside a function that asks for the metrics of pods
        "pydantic._internal._generate_schema",  # for types with pydantic 1's own hooks
        "redis.asyncio.observability.recorder",  # for the type checker
        "redis.commands.redismodules",  # inside the functions that begin a command of a module
        "redis.observability.attributes",  # for the type checker
        "redis.observability.metrics",  # for the type checker
        "redis.observability.recorder",  # for the type checker
        "requests.packages.urllib3",  # is urllib3
        "rich.console",  # on Windows
        "rich.pretty",  # goes without
        "urllib3",  # in a browser
    }
    assert asked["rich.pretty"] == ["attr"]
    assert asked["pydantic._internal._generate_schema"] == ["pydantic.v1", "pydantic.v1.BaseModel"]
