"""What the blocks of the file for each protocol have in common."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mooring.credentials import expanded

AbsolutePath = Annotated[
    str,
    Field(
        pattern=r"^(\$\{CREDENTIALS_DIRECTORY\})?/[^\x00-\x1F\x7F]*$",
        max_length=4096,
        title="an absolute path, or one that begins with ${CREDENTIALS_DIRECTORY}/",
    ),
    AfterValidator(expanded),
]

NOTHING: Mapping[str, tuple[str, ...]] = MappingProxyType({})


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

    later: ClassVar[tuple[str, ...]] = ()
    """Fields that this version does not have yet: refused by name, not as unknown."""

    later_values: ClassVar[Mapping[str, tuple[str, ...]]] = NOTHING
    """Values of a field that this version does not have yet, by the field's name in the file."""


@dataclass(frozen=True, slots=True)
class Needs:
    """A rule between two fields of a block, named as in the file: ``field`` means nothing without ``other``.

    Rules are data, so that the file can be checked against them while other fields of the block are wrong.
    """

    field: str
    other: str
    hint: str


class Options(Block):
    """A protocol's block. Frozen and hashable: it is a part of a target's identity."""

    default_port: ClassVar[int | None] = None
    needs: ClassVar[tuple[Needs, ...]] = ()

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
