"""What the blocks of the file for each protocol have in common."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mooring.credentials import expanded
from mooring.spec import Electors, Requirement, Role

AbsolutePath = Annotated[
    str,
    Field(
        pattern=r"^(\$\{CREDENTIALS_DIRECTORY\})?/[^\x00-\x1F\x7F]*$",
        max_length=4096,
        title="an absolute path, or one that begins with ${CREDENTIALS_DIRECTORY}/",
    ),
    AfterValidator(expanded),
]


class Block(BaseModel):
    """A strict, frozen part of the file; fields are written in camelCase there."""

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
    """Where the rule does not hold, the field does nothing: so it is no mistake to inherit it from ``defaults``."""

    @property
    def subject(self) -> str:
        return _written(self.field, self.given)

    @property
    def wanted(self) -> str:
        return _written(self.other, self.having)


def _written(field: str, values: frozenset[str]) -> str:
    return " or ".join(f"`{field}: {value}`" for value in sorted(values)) or f"`{field}`"


PRIMARY, REPLICA = frozenset({"primary"}), frozenset({"replica"})
ROLES = PRIMARY | REPLICA


class Options(Block):
    """A protocol's block. Frozen and hashable: it is a part of a target's identity."""

    default_port: ClassVar[int | None] = None
    needs: ClassVar[tuple[Needs, ...]] = ()
    inner: ClassVar[Mapping[str, type[Options]]] = MappingProxyType({})
    """Blocks within this one that have rules of their own, by their names in the file."""

    def expected_answer(self) -> str | None:
        """The answer that the block's own question must have; None where there is none to compare."""
        return None

    def files(self) -> tuple[str, ...]:
        """The files that a probe reads, which must be there and not empty when Mooring starts."""
        return ()

    def encrypted(self) -> bool:
        """Whether nothing may be sent before a TLS handshake."""
        return False

    def login_key(self) -> Hashable:
        """What determines a session: blocks with equal keys can ask over the same one."""
        return ()

    def requirement(self) -> Requirement:
        """What the block asks of the host beyond an answer."""
        return Requirement()

    def electors(self) -> Electors | None:
        """Who names the primary besides the hosts themselves."""
        return None

    def question(self, *, facts: bool | None = None) -> Self:
        """The block without what only its judge must know: equal for all that can share one probe.

        ``facts``: ask for the facts of the role though the block does not; None: as the block says.
        """
        del facts
        return self


class TlsOptions(Block):
    """How the server proves who it is."""

    mode: Literal["disabled", "verify-ca", "verify-identity"] = Field(
        default="verify-identity",
        description="`verify-identity` checks the certificate and the name, `verify-ca` only the certificate, "
        "`disabled` uses no TLS.",
    )
    ca_file: AbsolutePath | None = Field(
        default=None, description="PEM file of the CAs to trust. Without it, the system's CAs are trusted."
    )
    server_name: Annotated[str, Field(min_length=1, max_length=253)] | None = Field(
        default=None,
        description="The name that the certificate must bear, also sent as SNI. Without it, the probed address.",
    )

    def files(self) -> tuple[str, ...]:
        return (self.ca_file,) if self.ca_file and self.mode != "disabled" else ()


class Login(Options):
    """The block of a protocol that logs in."""

    user: str | None = None
    password_file: AbsolutePath | None = None
    tls: TlsOptions | None = None

    def files(self) -> tuple[str, ...]:
        secret = (self.password_file,) if self.password_file else ()
        return secret + (self.tls.files() if self.tls else ())

    def encrypted(self) -> bool:
        return self.tls is not None and self.tls.mode != "disabled"

    def login_key(self) -> Hashable:
        return self.user, self.password_file, self.tls if self.encrypted() else None


class Replicated(Login):
    """The block of a protocol whose hosts have roles."""

    judged: ClassVar[tuple[str, ...]] = ("max_replication_lag_seconds",)
    """Fields that only the judge must know."""

    role: Literal["any", "primary", "replica"] = Field(
        default="any",
        description="Which role the host must have: `any` asks only for an answer. With `primary`, at most one host "
        "of the Service is ever published as ready.",
    )
    max_replication_lag_seconds: Annotated[float, Field(ge=0.1, le=86400, allow_inf_nan=False)] | None = Field(
        default=None,
        description="A replica that is further behind is unfit (`lagging`) until it is within 80 % of this again.",
    )

    def asks_facts(self) -> bool:
        return self.role != "any"

    def requirement(self) -> Requirement:
        return Requirement(Role(self.role), self.max_replication_lag_seconds)

    def question(self, *, facts: bool | None = None) -> Self:
        asks = self.asks_facts() if facts is None else facts
        plain = {name: type(self).model_fields[name].default for name in self.judged}
        return self.model_copy(update={**plain, "role": "primary" if asks else "any"})
