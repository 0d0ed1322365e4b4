"""Flags and environment variables: how this process runs, unlike the file. Each setting is defined once."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mooring.model.addresses import AddressPolicy, Network
from mooring.model.credentials_directory import PLACEHOLDER, expanded, unset
from mooring.model.damping import DemotionLimit
from mooring.model.errors import ConfigError
from mooring.model.facts import place
from mooring.model.file_policy import DEFAULT_SECRET_DIRS, FilePolicy

PREFIX = "MOORING_"
_MOST_PORT = 65535
_OBJECT_NAME = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"
_NAMESPACE = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


class Purpose(enum.Enum):
    """What a command reads the configuration for."""

    RUN = enum.auto()
    ONCE = enum.auto()
    """``run --once``, which elects no leader."""
    PLAN = enum.auto()
    CHECK = enum.auto()
    """Also ``validate``: nothing is published."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the HTTP server listens; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return place(self.host, self.port)


def _listen(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value in {"", "none"}:
        return None
    host, colon, port = value.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > _MOST_PORT or (":" in host) != (bare != host):
        raise ValueError(_WANTED_LISTEN)
    try:
        return Listen(str(ip_address(bare)), int(port))
    except ValueError:
        raise ValueError(_WANTED_LISTEN) from None


_WANTED_LISTEN = "must be ADDRESS:PORT such as 0.0.0.0:8080 or [::]:8080, or none"


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(_network(text) for text in re.split(r"[,\s]+", value) if text)


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"must be CIDRs such as 10.20.0.0/16, separated by commas: {error}") from None


def _credential(path: Path) -> Path:
    found = expanded(str(path))
    if why := unset(found):
        raise ValueError(why)
    return Path(found)


def _folders(value: object) -> object:
    if not isinstance(value, str):
        return value
    folders = tuple(expanded(text.strip()) for text in value.split(",") if text.strip())
    if wrong := [folder for folder in folders if unset(folder) or not folder.startswith("/")]:
        why = unset(wrong[0]) or f"{wrong[0]!r} is no absolute path"
        raise ValueError(f"must be absolute paths of folders, separated by commas: {why}")
    return folders


_DEMOTIONS = re.compile(r"([1-9][0-9]?|100)%/([1-9][0-9]{0,3})([smh])")
_UNIT_SECONDS = MappingProxyType({"s": 1, "m": 60, "h": 3600})
_MOST_WINDOW_SECONDS = 3600


def _demotions(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value == "off":
        return None
    found = _DEMOTIONS.fullmatch(value)
    seconds = int(found[2]) * _UNIT_SECONDS[found[3]] if found else 0
    if found is None or seconds > _MOST_WINDOW_SECONDS:
        raise ValueError("must be a part of all hosts and a time of at most an hour, such as 50%/1m, or off")
    return DemotionLimit(int(found[1]), float(seconds))


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Settings(BaseSettings):
    """The common options of all commands."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    config: Path = Field(default=Path("/etc/mooring/config.yaml"), description="the configuration file")
    cluster: Literal["auto", "in-cluster", "kubeconfig", "local"] = Field(
        default="auto",
        description="where Endpoints live; auto: in-cluster where a service account is mounted, else a kubeconfig; "
        "local: manifests in a folder",
    )
    kubeconfig: Annotated[Path, AfterValidator(_credential)] | None = Field(
        default=None,
        description=f"the kubeconfig file, also as {PLACEHOLDER}/NAME; without it, kubectl's own rules",
    )
    context: str | None = Field(default=None, description="the context of the kubeconfig; without it, its current one")
    state_dir: Path = Field(default=Path("mooring-state"), description="the folder of --cluster local")
    leader_elect: bool | None = Field(
        default=None, description="write only while holding the Lease; default: on, off for --cluster local"
    )
    lease_name: Annotated[str, Field(pattern=_OBJECT_NAME, max_length=242)] = Field(
        default="mooring", description="the Lease of leader election; another one for each installation"
    )
    lease_namespace: Annotated[str, Field(pattern=_NAMESPACE, max_length=63)] | None = Field(
        default=None, description="its namespace; without it, the one that Mooring runs in"
    )
    listen: Annotated[Listen | None, NoDecode, BeforeValidator(_listen)] = Field(
        default=Listen("0.0.0.0", 8080),  # noqa: S104 -- probes and metrics come from other machines
        description="where to serve /livez, /readyz, /metrics and /status: ADDRESS:PORT, or none",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, else json"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info", description="the least level that is logged"
    )
    secret_dirs: Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_folders)] = Field(
        default=None,
        description="the folders, separated by commas, in which files that the configuration names must lie; default: "
        f"{', '.join((*DEFAULT_SECRET_DIRS, PLACEHOLDER))} for run on a real cluster, else any; / allows any",
    )
    probe_cidrs: Annotated[tuple[Network, ...] | None, NoDecode, BeforeValidator(_networks)] = Field(
        default=None,
        description="a probeAddress and Sentinels must lie inside these CIDRs, separated by commas; default: those of "
        "--allowed-cidrs, else all",
    )
    allowed_cidrs: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        default=(), description="publish only addresses inside these CIDRs, separated by commas; default: all"
    )

    max_demotions: Annotated[DemotionLimit | None, NoDecode, BeforeValidator(_demotions)] = Field(
        default=None,
        description="while ten hosts or more are ready, silence takes at most this part of them out within this time, "
        "such as 50%/1m; each host beyond that stays for this time at most; default: off",
    )

    @property
    def leader_election(self) -> bool:
        if self.cluster == "local":
            return False
        return self.leader_elect is not False

    def address_policy(self, purpose: Purpose) -> AddressPolicy:
        """Where this command may probe; only what publishes for several daemons keeps off loopback addresses."""
        probed = self.allowed_cidrs if self.probe_cidrs is None else self.probe_cidrs
        refused = self.leader_election and purpose in {Purpose.RUN, Purpose.PLAN}
        return AddressPolicy(self.allowed_cidrs, loopback_probes=not refused, probed=probed)

    def file_policy(self, purpose: Purpose, own: tuple[str, ...] = ()) -> FilePolicy:
        """Which files this command may read for the configuration; never ``own``, which log in to the cluster."""
        serves = purpose in {Purpose.RUN, Purpose.ONCE} and self.cluster != "local"
        return FilePolicy(_default_folders() if self.secret_dirs is None and serves else self.secret_dirs, own)


def _default_folders() -> tuple[str, ...]:
    credentials = expanded(f"{PLACEHOLDER}/").rstrip("/")
    return DEFAULT_SECRET_DIRS if unset(credentials) else (*DEFAULT_SECRET_DIRS, credentials)


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    return PREFIX + name.upper()


def load_settings(overrides: Mapping[str, object] = MappingProxyType({})) -> Settings:
    """Settings from ``overrides`` (flags that were given, by field name), else the environment, else defaults.

    What is None or no setting is ignored in ``overrides``, so all of a command's arguments may be handed in.

    Raises:
        ConfigError: each wrong setting by the names of its flag and its variable.
    """
    given = {name: value for name, value in overrides.items() if name in Settings.model_fields and value is not None}
    if os.environ.get(PREFIX + "LISTEN") == "":
        given.setdefault("listen", "")
    try:
        return Settings(**given)  # type: ignore[arg-type] # texts from the command line, which the model reads
    except ValidationError as error:
        raise ConfigError(*map(_sentence, error.errors(include_url=False, include_context=True))) from None


def _sentence(found: ErrorDetails) -> str:
    name = str(found["loc"][0])
    return f"{flag(name)} ({variable(name)}): {_wrong(found)}, is {str(found['input'])[:64]!r}"


def _wrong(found: ErrorDetails) -> str:
    context: Mapping[str, Any] = found.get("ctx", {})
    if found["type"] == "value_error":
        return str(context["error"])
    if found["type"] == "literal_error":
        return f"must be {context['expected'].replace(chr(39), '')}"
    if found["type"].startswith("bool"):
        return "must be true or false"
    return "must be a name as Kubernetes allows it: a-z, 0-9 and -, at most 63"
