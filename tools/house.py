"""The house in figures: its rooms, its floors, the arrows between rooms, and how long functions and files are.

python tools/house.py              the checkout as it stands
python tools/house.py REVISION     the same of another revision of this repository, to compare with

A room is a folder of the package, or a file at its root. An arrow is an import from one room into another. The floors
are those of the import-linter's contract; of a revision without that contract, the longest chain of arrows.
"""

from __future__ import annotations

import ast
import graphlib
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = Path("daemon/mooring")
ROOT = Path(__file__).parents[1]


def modules(package: Path) -> dict[str, ast.Module]:
    """Each module's syntax tree, by its dotted name below the package."""
    paths = {path: path.relative_to(package).with_suffix("").parts for path in sorted(package.rglob("*.py"))}
    names = {path: ".".join(part for part in parts if part != "__init__") for path, parts in paths.items()}
    return {name: ast.parse(path.read_text()) for path, name in names.items()}


def imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names below the package that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mooring"):
            below = (node.module or "").removeprefix("mooring").strip(".")
            yield from (f"{below}.{one.name}".strip(".") for one in node.names)


def room(name: str) -> str:
    return name.partition(".")[0]


def arrows(trees: Mapping[str, ast.Module]) -> set[tuple[str, str]]:
    """From which room into which other one."""
    rooms = {room(name) for name in trees if name}
    found = ((room(name), room(target)) for name, tree in trees.items() if name for target in imports(tree))
    return {(here, there) for here, there in found if here != there and there in rooms}


def longest_chain(found: set[tuple[str, str]]) -> int:
    """How many rooms stand one upon the other at most. Raises CycleError: arrows make a circle."""
    below: dict[str, set[str]] = {}
    for here, there in found:
        below.setdefault(here, set()).add(there)
    height: dict[str, int] = {}
    for name in graphlib.TopologicalSorter(below).static_order():
        height[name] = 1 + max((height[there] for there in below.get(name, ())), default=0)
    return max(height.values())


def floors(checkout: Path) -> list[str]:
    """Of the layers contract, from the top."""
    linter = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(one["layers"] for one in linter["contracts"] if one["type"] == "layers")
    return [" | ".join(name.strip().removeprefix("mooring.") for name in layer.split("|")) for layer in layers]


def lengths(trees: Mapping[str, ast.Module]) -> list[int]:
    """Of all functions, in lines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = (node for tree in trees.values() for node in ast.walk(tree))
    return sorted((node.end_lineno or 0) - node.lineno + 1 for node in nodes if isinstance(node, kinds))


def report(checkout: Path) -> str:
    package = checkout / PACKAGE
    trees = modules(package)
    found, functions = arrows(trees), lengths(trees)
    rooms = sorted({room(name) for name in trees if name})
    files = {path: len(path.read_text().splitlines()) for path in package.rglob("*.py")}
    longest = max(files, key=lambda path: files[path])
    named = floors(checkout)
    tenth = functions[int(len(functions) * 0.9)]
    lines = [
        f"rooms {len(rooms)}: {' '.join(rooms)}",
        f"files at the root {sum(path.parent == package for path in files)}",
        f"floors {len(named)} (longest chain of rooms {longest_chain(found)})",
        *(f"  {len(named) - at}  {name}" for at, name in enumerate(named)),
        f"arrows {len(found)}",
        f"functions {len(functions)}: median {statistics.median(functions):.0f} lines, 90th percentile {tenth}",
        f"files {len(files)}, lines {sum(files.values())}, longest {files[longest]} {longest.relative_to(checkout)}",
    ]
    return "\n".join(lines)


def main(words: list[str]) -> int:
    if not words:
        sys.stdout.write(report(ROOT) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["git", "archive", words[0]], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        sys.stdout.write(report(Path(folder)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
