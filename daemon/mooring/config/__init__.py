"""The configuration file: reads it, keeps the place of each value, merges defaults, checks all rules, builds values."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mooring.config.build import services
from mooring.config.fields import validate
from mooring.config.files import check_places, unreadable_files
from mooring.config.manifest import refuse_manifest
from mooring.config.merge import merge_defaults
from mooring.config.problems import Problems
from mooring.config.rules import check_rules
from mooring.config.source import read, tree
from mooring.config.warnings import warn
from mooring.model.addresses import AddressPolicy
from mooring.model.file_policy import ANYWHERE, FilePolicy
from mooring.model.spec import Config

__all__ = ["AddressPolicy", "FilePolicy", "load", "parse", "unreadable_files"]


def load(path: Path, policy: AddressPolicy, *, ports_required: bool = False, files: FilePolicy = ANYWHERE) -> Config:
    """The configuration in the file. Opens no other file; ``files``: where the files that it names may lie.

    Raises:
        ConfigError: all problems of the file.
    """
    return parse(read(path), str(path), policy, ports_required=ports_required, files=files)


def parse(
    data: bytes, file: str, policy: AddressPolicy, *, ports_required: bool = False, files: FilePolicy = ANYWHERE
) -> Config:
    """As ``load``, for bytes; ``file`` names them in messages."""
    problems = Problems(file)
    read_tree = tree(data, problems)
    refuse_manifest(read_tree, problems)
    root = merge_defaults(read_tree)
    blocks = validate(root, problems)
    check_rules(root, policy, problems, ports_required=ports_required)
    if files != ANYWHERE:
        check_places(root, files, problems)
    problems.raise_if_any()
    warn(root, problems)
    assert blocks is not None  # noqa: S101 -- without models there are problems
    return Config(services(blocks), hashlib.sha256(data).hexdigest(), problems.warnings())
