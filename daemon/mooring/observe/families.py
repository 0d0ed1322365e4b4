"""The one table of metrics: names, types, labels and meanings, for the exporter and for its page of documentation."""

from __future__ import annotations

import enum
from dataclasses import dataclass

HOST = ("namespace", "service", "host", "address")
SERVICE = ("namespace", "service")


class Kind(enum.StrEnum):
    """The types of Prometheus that are used."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric; ``bounds`` are the upper bounds of a histogram's buckets, in seconds, without the infinite one."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


_PROBE_BOUNDS = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_DETECTION_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_PUBLISH_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

HOST_READY = Family(
    "mooring_host_ready", Kind.GAUGE, "1 while the host is judged ready and not in maintenance, else 0.", HOST
)
HOST_MAINTENANCE = Family("mooring_host_maintenance", Kind.GAUGE, "1 while the host is in maintenance, else 0.", HOST)
HOST_WRONG_ROLE = Family(
    "mooring_host_wrong_role",
    Kind.GAUGE,
    "1 while the host is not ready because of its role alone: it has another one than the Service asks for, or another "
    "host is the writer; else 0.",
    HOST,
)
HOST_UNKNOWN = Family(
    "mooring_host_unknown",
    Kind.GAUGE,
    "1 while the host's last outcome is unknown, for this reason; without a series otherwise.",
    (*HOST, "reason"),
)
HOST_HELD = Family(
    "mooring_host_held",
    Kind.GAUGE,
    "1 while enough outcomes contradict the host's verdict and a rule holds it back: `flap` (it stays out), "
    "`keepOnSilence` or `maxDemotions` (it stays ready); without a series otherwise.",
    (*HOST, "by"),
)
HOLDS = Family(
    "mooring_holds_total",
    Kind.COUNTER,
    "How often a verdict of the host was held back, by the rule (see mooring_host_held).",
    (*HOST, "by"),
)
TLS_NOT_AFTER = Family(
    "mooring_tls_not_after_seconds",
    Kind.GAUGE,
    "When the certificate of the host expires, in Unix seconds, as the last login verified it; without a series "
    "where none was verified.",
    HOST,
)
PROBE_DURATION = Family(
    "mooring_probe_duration_seconds",
    Kind.HISTOGRAM,
    "How long whole probes took, from connect to answer or deadline.",
    ("protocol",),
    _PROBE_BOUNDS,
)
PROBES = Family(
    "mooring_probes_total",
    Kind.COUNTER,
    "Probes by what each saw (success, failure or unknown, and the reason), counted for each Service that lists the "
    "host. A silence that Mooring later takes for its own blindness counts as the timeout that it was.",
    (*HOST, "outcome", "reason"),
)
TRANSITIONS = Family(
    "mooring_transitions_total",
    Kind.COUNTER,
    "Changes of verdict, to ready or to not-ready, a first verdict included.",
    (*HOST, "to"),
)
SESSIONS_KILLED = Family(
    "mooring_sessions_killed_total",
    Kind.COUNTER,
    "Sessions of `killUsers` that were ended on the host because it was demoted; only where the Service says "
    "`onDemote: killSessions`.",
    HOST,
)
DETECTION = Family(
    "mooring_detection_seconds",
    Kind.HISTOGRAM,
    "Seconds from the start of the first probe that contradicted a verdict to the new verdict.",
    bounds=_DETECTION_BOUNDS,
)
PUBLISH = Family(
    "mooring_publish_seconds", Kind.HISTOGRAM, "Seconds from a new verdict until it is stored.", bounds=_PUBLISH_BOUNDS
)
EFFECTIVE = Family(
    "mooring_effective_seconds",
    Kind.HISTOGRAM,
    "Seconds from a new verdict until the EndpointSlices that kube-proxy reads (mirrored, or Mooring's own) hold it.",
    bounds=_PUBLISH_BOUNDS,
)
WRITES = Family(
    "mooring_writes_total",
    Kind.COUNTER,
    "Writes by result: stored, conflict (the object had changed; it is read and decided again), rejected, or "
    "unavailable (it is not known whether it was stored).",
    ("result",),
)
SLICE_WRITES = Family(
    "mooring_slice_writes_total",
    Kind.COUNTER,
    "How many of these writes were of EndpointSlices; the others were of Endpoints.",
    ("result",),
)
SERVICE_READY = Family(
    "mooring_service_ready_hosts", Kind.GAUGE, "How many addresses the stored objects hold as ready.", SERVICE
)
SERVICE_LAST_RESORT = Family(
    "mooring_service_last_resort_hosts",
    Kind.GAUGE,
    "How many addresses the stored slices hold for traffic while none is ready (`lastResort`).",
    SERVICE,
)
SERVICE_HOSTS = Family("mooring_service_hosts", Kind.GAUGE, "How many hosts the Service has in the file.", SERVICE)
SERVICE_ERROR = Family(
    "mooring_service_error",
    Kind.GAUGE,
    "1 while something hinders Mooring from keeping the Service's object (`mooring status` says what), else 0.",
    SERVICE,
)
SERVICE_TRAFFIC_WARNING = Family(
    "mooring_service_traffic_warning",
    Kind.GAUGE,
    "1 while the Service is published as it should be, and an object that is not Mooring's is in the way of its "
    "traffic, by its kind: NotMirrored, StillMirrored or ForeignSlices; without a series otherwise.",
    (*SERVICE, "kind"),
)
SERVICE_CONTESTED = Family(
    "mooring_service_contested",
    Kind.GAUGE,
    "1 while somebody changes the Service's objects again and again and Mooring repairs each edit (`mooring status` "
    "says who), and for ten minutes after the last repair, else 0.",
    SERVICE,
)
SERVICE_PAUSED = Family(
    "mooring_service_paused",
    Kind.GAUGE,
    "1 while the Service's annotation mooring/paused keeps Mooring from writing its objects, else 0.",
    SERVICE,
)
SERVICE_SPLIT = Family(
    "mooring_service_split_brain",
    Kind.GAUGE,
    "1 while several hosts of a Service with `role: primary` say that they are the primary, else 0.",
    SERVICE,
)
BLIND = Family(
    "mooring_blind", Kind.GAUGE, "1 while all ready hosts are silent at once, so that no host leaves, else 0."
)
OVERRUNS = Family("mooring_overruns_total", Kind.COUNTER, "Probes left out because the one before had not ended.")
LOG_DROPPED = Family(
    "mooring_log_dropped_total",
    Kind.COUNTER,
    "What was lost because its reader was slow or gone: lines of the log (`listener` is `log`), Kubernetes Events "
    "(`events`), messages to systemd (`systemd`), diffs of a dry run (`diffs`).",
    ("listener",),
)
LEADER = Family("mooring_leader", Kind.GAUGE, "1 while this Mooring is the one that writes, else 0.")
LEASE_SHARED = Family(
    "mooring_lease_shared",
    Kind.GAUGE,
    "1 while another installation is seen to use the same Lease, by the Services of its file, else 0.",
)
RELOAD_OK = Family(
    "mooring_config_last_reload_successful", Kind.GAUGE, "1 where the file was valid when last read, else 0."
)
RELOADED_AT = Family(
    "mooring_config_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    "When a file was last taken up, in Unix seconds.",
)
BUILD = Family("mooring_build_info", Kind.GAUGE, "Always 1; its label is the version.", ("version",))

FAMILIES = (
    HOST_READY,
    HOST_UNKNOWN,
    HOST_HELD,
    TLS_NOT_AFTER,
    HOST_MAINTENANCE,
    HOST_WRONG_ROLE,
    SERVICE_READY,
    SERVICE_LAST_RESORT,
    SERVICE_HOSTS,
    SERVICE_ERROR,
    SERVICE_TRAFFIC_WARNING,
    SERVICE_CONTESTED,
    SERVICE_PAUSED,
    SERVICE_SPLIT,
    BLIND,
    PROBES,
    PROBE_DURATION,
    TRANSITIONS,
    HOLDS,
    SESSIONS_KILLED,
    DETECTION,
    PUBLISH,
    EFFECTIVE,
    WRITES,
    SLICE_WRITES,
    OVERRUNS,
    LOG_DROPPED,
    LEADER,
    LEASE_SHARED,
    RELOAD_OK,
    RELOADED_AT,
    BUILD,
)
