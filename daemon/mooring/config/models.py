"""The file as pydantic models: fields, defaults, limits. Rules between fields are in ``rules`` and ``hosts``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, create_model
from pydantic_core import CoreSchema

from mooring.config.damping import MOST_HOSTS, FlapBlock, Kept, Off
from mooring.model.reasons import Reason
from mooring.model.spec import EDGE_SECONDS, Adopt, OnSplitBrain, Publish, WhenAllFail, WhenSaturated
from mooring.protocols.options import Block, OneOf
from mooring.protocols.registry import PROTOCOLS

DEFAULT_NAMESPACE = "default"

Seconds = Annotated[float, Field(ge=0.05, le=3600, allow_inf_nan=False)]
Threshold = Annotated[int, Field(ge=1, le=100)]
# Not Literal[1], which equals true and 1.0.
Version = Annotated[int, Field(ge=1, le=1, title="1")]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
ServiceName = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        title="a Service name: at most 63 of a-z, 0-9 and -, beginning with a letter, not ending with -",
    ),
]
Label = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        title="a name: at most 63 of a-z, 0-9 and -, neither beginning nor ending with -",
    ),
]
HostName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$",
        max_length=253,
        title="a name: at most 253 of letters, digits, -, . and _, beginning and ending with a letter or digit",
    ),
]
HostAddress = Annotated[str, Field(min_length=1, max_length=253, title="an IP address or a DNS name")]
Zone = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$",
        max_length=63,
        title="a zone: at most 63 of letters, digits, -, . and _, beginning and ending with a letter or digit",
    ),
]
LastResort = Annotated[Reason, OneOf(Reason.LAGGING, Reason.SATURATED, Reason.NOT_SYNCED)]
IpAddress = Annotated[str, Field(min_length=1, max_length=253, title="an IP address")]


class PortBlock(Block):
    """A port of the Service."""

    name: Label | None = Field(
        default=None, description="The name of the Service's port. Needed where there are several."
    )
    port: PortNumber = Field(description="The number on the hosts.")


KillUser = Annotated[
    str, Field(pattern=r"^[^\x00-\x20\x7F'\"`\\]{1,128}$", title="a user's name, without spaces and quotes")
]


class HostBlock(Block):
    """A host of the Service. The short form is its address alone."""

    address: HostAddress | None = Field(
        default=None,
        description="What is published; needed, unless `addresses` stands in its place. Every IP address that a DNS "
        "name holds is a target; a failed lookup keeps the last set, an address leaves it after 3 lookups without it.",
    )
    addresses: Annotated[list[IpAddress], Field(min_length=1, max_length=2)] | None = Field(
        default=None,
        description="In place of `address`, for a host of both families: an IPv4 and an IPv6 address. The first is "
        "probed, unless `probeAddress` says otherwise; its verdict is published for both.",
    )
    name: HostName | None = Field(
        default=None, description="What the host is called in logs, metrics and tables. Without it, its address."
    )
    probe_address: IpAddress | None = Field(
        default=None, description="Probe here and publish `address`. Not together with a DNS name."
    )
    probe_port: PortNumber | None = Field(
        default=None, description="Probe this port. Without it, the first port of the Service."
    )
    maintenance: bool = Field(
        default=False, description="While true, the host is never ready; it is still probed and shown."
    )
    zone: Zone | None = Field(
        default=None,
        description="The topology zone of the host, published in EndpointSlices. Where every ready host of the Service "
        "has one, each is meant for the clients of its own zone (`hints.forZones`).",
    )
    server_name: Annotated[str, Field(min_length=1, max_length=253)] | None = Field(
        default=None,
        description="The name that the certificate of this host must bear, with `tls` in the check. Without it, the "
        "`serverName` there.",
    )
    backup: bool = Field(
        default=False,
        description="Published as ready only while fewer than the Service's `minReady` other hosts are.",
    )


class _ShortForm:
    """Lets the schema accept the address alone in place of the block; ``merge`` makes a block of it."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        title = "an IP address or a DNS name"
        return {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 253, "title": title}, handler(core)]}


class CheckTimes(Block):
    """How often a host is probed, and how many outcomes change its verdict."""

    period_seconds: Seconds = Field(default=2, description="Time from one probe of a host to the next.")
    timeout_seconds: Annotated[float, Field(ge=0.01, le=3600, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Bounds the whole probe: connect, TLS, login, question, answer. May not exceed `periodSeconds`. "
        "Without it 1, or `periodSeconds` where that is shorter.",
    )
    success_threshold: Threshold = Field(
        default=2, description="Consecutive successes that make a host ready that is not."
    )
    failure_threshold: Threshold = Field(
        default=3, description="Consecutive failures that make a ready host not ready. 3 means 3."
    )
    edge_seconds: Annotated[float, Field(ge=0.01, le=60, allow_inf_nan=False)] = Field(
        default=EDGE_SECONDS,
        description="When the session that is held to a host is lost, and a new connection is refused or closed "
        "without a word, the probes that confirm it follow each other so fast, until `failureThreshold` is met or "
        "one succeeds.",
    )
    login_seconds: Annotated[float, Field(ge=1, le=86400, allow_inf_nan=False)] | None = Field(
        default=None,
        description="While a session is held, a full login is made as often as this, for what a session hides: a full "
        "house, a changed password, a certificate, a firewall. Without it five times `periodSeconds`, or 10 where that "
        "is less; with more than 150 hosts longer (docs/limits.md). `/status` has what is in force.",
    )
    when_saturated: Annotated[WhenSaturated, OneOf()] = Field(
        default=WhenSaturated.KEEP,
        description="When a host takes no new login (too many connections) while the held session answers: `keep` "
        "leaves its verdict as it is, unless another host of the Service is ready and not saturated; `fail` counts "
        "it as a failure.",
    )


def _protocol_fields() -> dict[str, Any]:
    return {
        name: (protocol.options | None, Field(default=None, description=protocol.options.__doc__))
        for name, protocol in PROTOCOLS.items()
    }


CheckBlock: type[CheckTimes] = create_model(
    "CheckBlock",
    __base__=CheckTimes,
    __module__=__name__,
    __doc__=f"How hosts are probed: times, and exactly one of {', '.join(f'`{name}`' for name in PROTOCOLS)}.",
    **_protocol_fields(),
)


class ObserversBlock(Block):
    """Whose word counts where a host is silent.

    A host that does not answer is taken out only where most of Mooring's replicas cannot reach it either. A refusal, a
    reset and the host's own word count at once. It needs leader election and at least three replicas; without, Mooring
    decides alone.
    """

    agree: Literal["majority"] = Field(description="How many must agree: most of those that vote.")


class ServiceBlock(Block):
    """A Service without a selector, and its hosts."""

    name: ServiceName = Field(description="The Service, and so the Endpoints of the same name.")
    namespace: Label = Field(default=DEFAULT_NAMESPACE, description="The namespace of the Service.")
    publish: Annotated[Publish, OneOf()] = Field(
        default=Publish.ENDPOINTS,
        description="What is written: Endpoints, which the cluster's mirroring controller copies into EndpointSlices; "
        "EndpointSlices of Mooring's own; or both, where traffic follows the slices and the Endpoints is there to be "
        "looked at. It may be changed at any time without a gap.",
    )
    adopt: Annotated[Adopt, OneOf()] = Field(
        default=Adopt.IF_LISTED,
        description="What to do with Endpoints made by hand: `ifListed` takes them over once the file lists every "
        "ready address in them, `replace` takes them over as they are.",
    )
    when_all_fail: Annotated[WhenAllFail, OneOf()] = Field(
        default=WhenAllFail.PUBLISH_NONE,
        description="What to publish when every host would leave the Service: nothing, or the last stored ready set "
        "(loudly; never a host in maintenance or of a wrong role).",
    )
    observers: ObserversBlock | None = Field(
        default=None, description="Without this block the leader alone decides whether a host is silent."
    )
    last_resort: Annotated[list[LastResort], Field(min_length=1, max_length=3)] | None = Field(
        default=None,
        description="Hosts that are unfit for one of these reasons get traffic while no host is ready: their "
        "endpoints are serving and terminating, which kube-proxy uses only then. Not with `publish: endpoints`.",
    )
    on_split_brain: Annotated[OnSplitBrain, OneOf()] = Field(
        default=OnSplitBrain.KEEP_INCUMBENT,
        description="What to publish of a Service with `role: primary` while several hosts say that they are it: the "
        "one that was published before, or none.",
    )
    on_demote: Literal["keepSessions", "killSessions"] = Field(
        default="keepSessions",
        description="What becomes of the sessions that applications hold to a primary that itself says that it is no "
        "longer the primary: `killSessions` ends those of `killUsers`, once, two seconds after the change is "
        "published.",
    )
    kill_users: Annotated[list[KillUser], Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="The database users of `onDemote: killSessions`. The account that probes needs "
        f"{', or '.join(protocol.kill_grant for protocol in PROTOCOLS.values() if protocol.kill_grant)}.",
    )
    min_ready: Annotated[int, Field(ge=1, le=MOST_HOSTS)] = Field(
        default=1, description="A host with `backup` stays out of traffic while so many others are ready."
    )
    flap: Annotated[FlapBlock | None, Off()] = Field(
        default=FlapBlock(), description="How a host that fails again and again is held out; `off`: not at all."
    )
    keep_on_silence: Kept = Field(
        default=0,
        validate_default=True,
        description="Silence alone (`timeout`, `unreachable`) takes no more hosts out than leave so many ready; a part "
        "is of the hosts that are not in maintenance, rounded down. Not with `role: primary`.",
    )
    ports: Annotated[list[PortBlock], Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="The ports to publish; the first is probed unless a host says `probePort`. Needed with "
        "`--cluster local`; in a cluster they are read from the Service.",
    )
    hosts: Annotated[list[Annotated[HostBlock, _ShortForm()]], Field(min_length=1, max_length=MOST_HOSTS)] = Field(
        description="The machines that may serve, each as its address or as a block."
    )
    check: CheckBlock = Field(
        default_factory=CheckBlock, description="How the hosts are probed, over `defaults.check`."
    )


class DefaultsBlock(Block):
    """What holds for every Service that does not say otherwise."""

    check: CheckBlock = Field(
        default_factory=CheckBlock,
        description="Any field of a check. Blocks of several protocols may stand here: a Service that names one "
        "inherits that one, a Service that names none inherits the only one there is.",
    )


class FileBlock(Block):
    """The whole file."""

    version: Version = Field(description="The version of this format.")
    defaults: DefaultsBlock = Field(default_factory=DefaultsBlock, description="What all Services have in common.")
    services: list[ServiceBlock] = Field(min_length=1, description="The Services to keep.")
