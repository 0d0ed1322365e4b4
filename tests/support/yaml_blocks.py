"""The YAML of the documentation, and what each block is a part of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
_BLOCK = re.compile(r"^(?P<indent> *)```yaml\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_NAMED = "{version: 1, services: [{name: x, hosts: [10.20.0.11], check: {tcp: {}}}]}"
_KINDS: Mapping[str, str] = MappingProxyType(
    {"version": "file", "apiVersion": "manifest", "config": "values", "subsets": "subsets", "hosts": "service"}
    | dict.fromkeys(("mysql", "redis", "tcp"), "check")
)
"""What a document is, by the first of these keys that it has."""


@dataclass(frozen=True, slots=True)
class Document:
    """``kind`` is a value of ``_KINDS``; None for what is none of these. ``text`` is the whole block."""

    page: str
    kind: str | None
    text: str
    data: Mapping[str, Any]

    def file(self) -> str | None:
        """The configuration file that it is, has in it, or is a part of; None where it is a part of something else."""
        whole = yaml.safe_load(_NAMED)
        [service] = whole["services"]
        match self.kind:
            case "file":
                return self.text
            case "values":
                return yaml.safe_dump(self.data["config"])
            case "service":
                service |= self.data
            case "check":
                service["check"] = self.data
            case _:
                return None
        return yaml.safe_dump(whole)

    def manifest(self) -> Mapping[str, Any] | None:
        """The object of a cluster that it is, or is a part of."""
        if self.kind == "subsets":
            return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "x"}, **self.data}
        return self.data if self.kind == "manifest" else None


def documents() -> Iterator[Document]:
    """All of all pages."""
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        for block in _BLOCK.finditer(page.read_text()):
            text = dedent(block["text"])
            for data in yaml.safe_load_all(text):
                yield Document(name, next((kind for key, kind in _KINDS.items() if key in data), None), text, data)
