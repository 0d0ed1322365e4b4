"""The options of the command line that are settings: each command takes those that act on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, get_args

import click
from pydantic.fields import FieldInfo

from mooring.cli.settings import Settings, flag, variable

Function = TypeVar("Function", bound=Callable[..., int])
ALL = tuple(Settings.model_fields)
CONFINING = ("secret_dirs", "probe_cidrs", "allowed_cidrs")
LOGGING = ("log_format", "log_level")
CLUSTER = ("cluster", "kubeconfig", "context", "state_dir", "leader_elect")


def takes(names: Iterable[str]) -> Callable[[Function], Function]:
    """Adds an option for each of these settings; one that is not given is None, so that it hides no variable."""

    def decorate(function: Function) -> Function:
        for name in reversed(tuple(names)):
            function = _option(name, Settings.model_fields[name])(function)
        return function

    return decorate


def _option(name: str, info: FieldInfo) -> Callable[[Function], Function]:
    sentence = f"{info.description} ({_default(info)}{variable(name)})"
    if bool in get_args(info.annotation):
        return click.option(f"{flag(name)}/--no-{flag(name)[2:]}", name, default=None, help=sentence)
    short = ("-c",) if name == "config" else ()
    return click.option(*short, flag(name), name, metavar=_metavar(info), help=sentence)


def _default(info: FieldInfo) -> str:
    return f"default: {info.default}; " if info.default not in (None, ()) else ""


def _metavar(info: FieldInfo) -> str:
    choices: tuple[Any, ...] = get_args(info.annotation)
    return "|".join(choices) if choices and all(isinstance(choice, str) for choice in choices) else "TEXT"
