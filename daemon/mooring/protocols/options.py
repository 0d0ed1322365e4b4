"""The base classes of the protocols' blocks of the file."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from mooring.model.credentials_directory import expanded
from mooring.model.spec import PrimaryQuorum, Requirement, Role

PATH_PATTERN = r"^(\$\{CREDENTIALS_DIRECTORY\})?/[^\x00-\x1F\x7F]*$"
AbsolutePath = Annotated[
    str,
    Field(
        pattern=PATH_PATTERN,
        max_length=4096,
        title="an absolute path, or one that begins with ${CREDENTIALS_DIRECTORY}/",
    ),
    AfterValidator(expanded),
]


class OneOf:
    """Marks a field of an enum: the file holds the value of one of ``members``, or of any member."""

    def __init__(self, *members: StrEnum) -> None:
        self._members = members

    def __get_pydantic_core_schema__(self, source: type[StrEnum], _: GetCoreSchemaHandler) -> CoreSchema:
        values = [member.value for member in self._members or source]
        return core_schema.no_info_after_validator_function(source, core_schema.literal_schema(values))


class Block(BaseModel):
    """A strict, frozen part of the file, which has its fields in camelCase."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
    )


@dataclass(frozen=True, slots=True)
class Needs:
    """A rule between two fields of a block, named as in the file: ``field`` means nothing without ``other``.

    Rules are data, so that the file can be checked against them while other fields of the block are wrong.
    """

    field: str
    other: str
    hint: str
    given: frozenset[str] = frozenset()
    """The rule holds only for these values of the field; empty: for any."""
    having: frozenset[str] = frozenset()
    """The other field must have one of these values; empty: any."""
    idle: bool = False
    """Without the other field this one has no effect, so that a Service may inherit it from ``defaults``."""

    @property
    def subject(self) -> str:
        return _in_words(self.field, self.given)

    @property
    def wanted(self) -> str:
        return _in_words(self.other, self.having)


def _in_words(field: str, values: frozenset[str]) -> str:
    return " or ".join(f"`{field}: {value}`" for value in sorted(values)) or f"`{field}`"


PRIMARY, REPLICA = frozenset({"primary"}), frozenset({"replica"})
ROLES = PRIMARY | REPLICA


class Options(Block):
    """A protocol's block. Frozen and hashable: it is a part of a target's identity."""

    default_port: ClassVar[int | None] = None
    required: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The fields that a block, or its defaults, must hold, by their names in the file: what each must be, and why."""
    needs: ClassVar[tuple[Needs, ...]] = ()
    inner: ClassVar[Mapping[str, type[Options]]] = MappingProxyType({})
    """Blocks within this one that have rules of their own, by their names in the file."""

    def expected_answer(self) -> str | None:
        """The answer that the block's own question must have; None: any answer will do."""
        return None

    def files(self) -> tuple[str, ...]:
        """The files that a probe reads: they must exist and hold something when Mooring starts."""
        return ()

    def passwords(self) -> tuple[str, ...]:
        """Those of ``files`` that hold a password."""
        return ()

    def encrypted(self) -> bool:
        """Whether nothing may be sent before a TLS handshake."""
        return False

    def authenticates(self) -> bool:
        """Whether a login sends a password."""
        return False

    def login_key(self) -> Hashable:
        """Determines a session: blocks with equal keys can share one."""
        return ()

    def requirement(self) -> Requirement:
        """What the host must be, beyond giving an answer."""
        return Requirement()

    def quorum(self) -> PrimaryQuorum | None:
        """The servers that elect the primary; None: only the hosts themselves know it."""
        return None

    def for_host(self, server_name: str, dns_name: str) -> Self:
        """The block for one host, with the ``serverName`` of its entry and its DNS name; either may be empty."""
        del server_name, dns_name
        return self

    def question(self, *, facts: bool | None = None) -> Self:
        """The block without the fields that only judge the answer: equal for all Services that can share one probe.

        ``facts``: whether to ask for the facts of the role; None: as the block needs it.
        """
        del facts
        return self


class TlsOptions(Options):
    """How the server proves who it is, and Mooring to it."""

    needs: ClassVar[tuple[Needs, ...]] = (
        Needs("certFile", "keyFile", "add the file with its private key"),
        Needs("keyFile", "certFile", "add the file with its certificate"),
    )

    mode: Literal["disabled", "required", "verify-ca", "verify-identity"] = Field(
        default="verify-identity",
        description="`verify-identity` checks the certificate and the name, `verify-ca` only the certificate, "
        "`required` encrypts and checks nothing (somebody in between can read the password), `disabled` uses no TLS.",
    )
    ca_file: AbsolutePath | None = Field(
        default=None, description="PEM file of the CAs to trust. Without it, the system's CAs are trusted."
    )
    server_name: Annotated[str, Field(min_length=1, max_length=253)] | None = Field(
        default=None,
        description="The name that the certificates must bear, also sent as SNI, unless a host has a `serverName` of "
        "its own. Without either, the host's DNS name, or else the probed address.",
    )

    cert_file: AbsolutePath | None = Field(
        default=None,
        description="PEM file of a certificate of Mooring's own, for servers that ask their clients for one.",
    )
    key_file: AbsolutePath | None = Field(
        default=None, description="PEM file of its private key, without a passphrase."
    )

    def for_host(self, server_name: str, dns_name: str) -> Self:
        """The host's own name comes first, then the block's, then its DNS name; without any, its IP address."""
        name = server_name or self.server_name or dns_name or None
        return self if name == self.server_name else self.model_copy(update={"server_name": name})

    @property
    def verified(self) -> bool:
        """Whether the server must prove who it is."""
        return self.mode in {"verify-ca", "verify-identity"}

    def files(self) -> tuple[str, ...]:
        if self.mode == "disabled":
            return ()
        return tuple(filter(None, (self.ca_file if self.verified else None, self.cert_file, self.key_file)))


class Login(Options):
    """The block of a protocol that logs in."""

    inner: ClassVar[Mapping[str, type[Options]]] = MappingProxyType({"tls": TlsOptions})

    user: str | None = None
    password_file: AbsolutePath | None = None
    tls: TlsOptions | None = None

    def files(self) -> tuple[str, ...]:
        return self.passwords() + (self.tls.files() if self.tls else ())

    def passwords(self) -> tuple[str, ...]:
        return (self.password_file,) if self.password_file else ()

    def for_host(self, server_name: str, dns_name: str) -> Self:
        tls = self.tls and self.tls.for_host(server_name, dns_name)
        return self if tls is self.tls else self.model_copy(update={"tls": tls})

    def encrypted(self) -> bool:
        return self.tls is not None and self.tls.mode != "disabled"

    def authenticates(self) -> bool:
        return self.password_file is not None

    def login_key(self) -> Hashable:
        return self.user, self.password_file, self.tls if self.encrypted() else None


class Replicated(Login):
    """The block of a protocol whose hosts have roles."""

    judged: ClassVar[tuple[str, ...]] = ("max_replication_lag_seconds",)
    """Fields that only judge the answer: the question does not depend on them."""

    role: Annotated[Role, OneOf()] = Field(
        default=Role.ANY,
        description="Which role the host must have: `any` asks only for an answer. With `primary`, at most one host "
        "of the Service is ever published as ready.",
    )
    max_replication_lag_seconds: Annotated[float, Field(ge=0.1, le=86400, allow_inf_nan=False)] | None = Field(
        default=None,
        description="A replica that is further behind is unfit (`lagging`) until it is within 80 % of this again.",
    )

    def asks_facts(self) -> bool:
        return self.role is not Role.ANY

    def requirement(self) -> Requirement:
        return Requirement(self.role, self.max_replication_lag_seconds)

    def question(self, *, facts: bool | None = None) -> Self:
        asks = self.asks_facts() if facts is None else facts
        plain = {name: type(self).model_fields[name].default for name in self.judged}
        return self.model_copy(update={**plain, "role": Role.PRIMARY if asks else Role.ANY})
