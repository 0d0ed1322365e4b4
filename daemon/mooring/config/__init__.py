"""The configuration file: bytes to a tree that knows its places, defaults merged, every rule checked, values built."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mooring.config.build import services
from mooring.config.fields import validated
from mooring.config.files import unreadable_files
from mooring.config.merge import merged
from mooring.config.problems import Problems
from mooring.config.rules import check_rules
from mooring.config.source import read, tree
from mooring.decide.addresses import AddressPolicy
from mooring.spec import Config

__all__ = ["AddressPolicy", "load", "parse", "unreadable_files"]


def load(path: Path, policy: AddressPolicy, *, ports_required: bool = False) -> Config:
    """The valid file. Opens no other file.

    Raises:
        ConfigError: everything that is wrong with it.
    """
    return parse(read(path), str(path), policy, ports_required=ports_required)


def parse(data: bytes, file: str, policy: AddressPolicy, *, ports_required: bool = False) -> Config:
    """As ``load``, for bytes that are at hand; ``file`` is how complaints call them."""
    problems = Problems(file)
    root = merged(tree(data, problems))
    blocks = validated(root, problems)
    check_rules(root, policy, problems, ports_required=ports_required)
    problems.raise_if_any()
    assert blocks is not None  # noqa: S101 -- without models there are problems
    return Config(services(blocks), hashlib.sha256(data).hexdigest())
