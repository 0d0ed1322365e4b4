"""The group ``file``: the configuration file by itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from mooring.cli.credentials import SERVICE_ACCOUNT
from mooring.cli.doctor.finding import Finding, Level
from mooring.cli.own_files import own_files
from mooring.cli.settings import Purpose, Settings
from mooring.config import parse
from mooring.config.source import is_there, read
from mooring.model.errors import ConfigError
from mooring.model.file_policy import FilePolicy
from mooring.model.spec import Config

UNUSABLE = (
    "Mooring uses no part of a file that has an error: no daemon starts with it, and one that runs keeps the last"
)
NOT_THERE = "name yours by --config or MOORING_CONFIG; `mooring init` writes one to start from"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The file by its ``path``, or what is wrong with it."""

    path: str
    config: Config | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    there: bool = True


def findings(facts: FileFacts) -> list[Finding]:
    mend = f"mend this place, then: mooring validate {facts.path}" if facts.there else NOT_THERE
    found = [Finding(sentence, UNUSABLE, mend) for sentence in facts.problems]
    why = "the file is valid, and it may not do what you mean"
    return [
        *found,
        *(
            Finding(sentence, why, "change it, or leave it if you mean it", Level.WARNING)
            for sentence in facts.warnings
        ),
    ]


def file_facts(settings: Settings) -> FileFacts:
    """Reads the file as the daemon does where this is its pod, else as ``check`` does."""
    path, purpose = str(settings.config), purpose_of(settings)
    if not is_there(settings.config):
        return FileFacts(path, problems=(f"{path} is not there",), there=False)
    try:
        parsed = partial(parse, read(settings.config), path, files=file_policy(settings))
        config = parsed(settings.address_policy(purpose))
    except ConfigError as error:
        return FileFacts(path, problems=error.problems)
    return FileFacts(path, config, warnings=(*config.warnings, *_warnings_of_run(settings, parsed)))


def _warnings_of_run(settings: Settings, parsed: partial[Config]) -> tuple[str, ...]:
    try:
        parsed(settings.address_policy(Purpose.RUN))
    except ConfigError as error:
        return error.problems
    return ()


def file_policy(settings: Settings) -> FilePolicy:
    return settings.file_policy(purpose_of(settings), own_files(settings.kubeconfig, os.environ))


def purpose_of(settings: Settings) -> Purpose:
    in_pod = settings.cluster == "in-cluster" or (settings.cluster == "auto" and SERVICE_ACCOUNT.exists())
    return Purpose.RUN if in_pod else Purpose.CHECK
