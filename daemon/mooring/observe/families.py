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
HOST_STANDBY = Family(
    "mooring_host_standby",
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
    "host. A silence that is later held for our own blindness was a timeout when it was seen.",
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
    "From the start of the first probe that spoke against a verdict to the new verdict.",
    bounds=_DETECTION_BOUNDS,
)
PUBLISH = Family(
    "mooring_publish_seconds", Kind.HISTOGRAM, "From a new verdict to the stored object.", bounds=_PUBLISH_BOUNDS
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
    "Those of the writes that were of EndpointSlices; the others were of Endpoints.",
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
SERVICE_HAZARD = Family(
    "mooring_service_hazard",
    Kind.GAUGE,
    "1 while the Service is published as it should be, and something that is not Mooring's is in the way of its "
    "traffic, by its kind: NotMirrored, StillMirrored or ForeignSlices; without a series otherwise.",
    (*SERVICE, "kind"),
)
SERVICE_SPLIT = Family(
    "mooring_service_split_brain",
    Kind.GAUGE,
    "1 while several hosts of a Service with `role: primary` say that they are it, else 0.",
    SERVICE,
)
BLIND = Family(
    "mooring_blind", Kind.GAUGE, "1 while all ready hosts are silent at once and nothing is moved therefore, else 0."
)
OVERRUNS = Family("mooring_overruns_total", Kind.COUNTER, "Probes left out because the one before had not ended.")
LEADER = Family("mooring_leader", Kind.GAUGE, "1 while this Mooring is the one that writes, else 0.")
RELOAD_OK = Family(
    "mooring_config_last_reload_successful", Kind.GAUGE, "1 where the file was valid when last read, else 0."
)
RELOADED_AT = Family(
    "mooring_config_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    "When a file was last taken up, in Unix seconds.",
)
BUILD = Family("mooring_build_info", Kind.GAUGE, "Always 1; its labels tell the version.", ("version",))

FAMILIES = (
    HOST_READY,
    HOST_UNKNOWN,
    HOST_MAINTENANCE,
    HOST_STANDBY,
    SERVICE_READY,
    SERVICE_LAST_RESORT,
    SERVICE_HOSTS,
    SERVICE_ERROR,
    SERVICE_HAZARD,
    SERVICE_SPLIT,
    BLIND,
    PROBES,
    PROBE_DURATION,
    TRANSITIONS,
    SESSIONS_KILLED,
    DETECTION,
    PUBLISH,
    WRITES,
    SLICE_WRITES,
    OVERRUNS,
    LEADER,
    RELOAD_OK,
    RELOADED_AT,
    BUILD,
)
