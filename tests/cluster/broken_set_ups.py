"""The table of broken set-ups: where each is found, and what `mooring doctor` says of it."""

from __future__ import annotations

from dataclasses import dataclass

from cluster import breaking
from cluster import breaking_objects as objects
from cluster.breaking import Break, block, check, hosts, instead, out, password, path, service, text, without

MANIFEST = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: sessions}\nsubsets: []\n"
ENTRY = "services: [{name: a, hosts: [10.77.0.11], check: {tcp: {}}, ports: [{port: 1}]}]"


@dataclass(frozen=True)
class Row:
    """``says`` is a regular expression that the one finding matches; ``kind``: of the Service that is broken."""

    group: str
    name: str
    broken: Break
    says: str
    kind: str = "redis"
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


FILE = (
    Row("file", "is not there", breaking.words("--config", "/no.yaml"), "is not there"),
    Row("file", "is no YAML", text("version: 1\nservices: [\n"), "YAML"),
    Row("file", "of another version", text(f"version: 2\n{ENTRY}\n"), "version: .*1"),
    Row("file", "a misspelt field", service(hsots=[]), "did you mean hosts"),
    Row("file", "a password in it", block(password="secret"), "password"),
    Row("file", "no address", service(hosts=["10.77.0.300"]), r"10\.77\.0\.300"),
    Row("file", "a host twice", service(hosts=["10.77.0.11", "10.77.0.11"]), "twice|already|more than once"),
    Row("file", "a loopback address to publish", service(hosts=["127.0.0.1"]), "loopback"),
    Row("file", "a timeout longer than the period", check(timeoutSeconds=9), "timeoutSeconds"),
    Row("file", "two protocols", check(tcp={}), "exactly one"),
    Row("file", "an address outside --allowed-cidrs", breaking.outside_cidrs, "outside the allowed CIDRs"),
    Row("file", "a manifest of Kubernetes", text(MANIFEST), "mooring import"),
)
SECRETS = (
    Row("secrets", "no password file", path("passwordFile", "none"), "does not exist"),
    Row("secrets", "an empty one", password(b""), "empty"),
    Row("secrets", "one with a byte order mark", password(b"\xef\xbb\xbfsecret\n"), "byte order mark"),
    Row("secrets", "one in UTF-16", password("secret\n".encode("utf-16")), "UTF-16"),
    Row("secrets", "one of two lines", password("one\ntwo"), "line"),
    Row("secrets", "a folder", lambda on: on.block.update(passwordFile=str(on.folder)), "not a regular file"),
    Row("secrets", "no file of the CA", lambda on: on.block.update(tls={"caFile": "/none.pem"}), "does not exist"),
)
CLUSTER = (
    Row("cluster", "no kubeconfig", breaking.kubeconfig(None), "is not there"),
    Row("cluster", "a kubeconfig that is none", breaking.kubeconfig("a: [\n"), "kubeconfig"),
    Row("cluster", "an API server that is silent", breaking.silent_api, "does not answer"),
    Row("cluster", "a login that is refused", breaking.refused_token, "401"),
)
RIGHTS = (
    Row("rights", "none at all", without("read", "write", "slices", "events", "lease", "observers"), "may not"),
    Row("rights", "to read", without("read"), "get, list, watch services; get, list, watch endpoints"),
    Row("rights", "to write", without("write"), "create, patch endpoints/sessions"),
    Row("rights", "to lead", without("lease"), "leases/mooring"),
    Row("rights", "to see other Moorings", without("observers"), "leases/mooring-observer-0", warning=True),
    Row("rights", "to read slices", without("slices"), "get, list, watch endpointslices", warning=True),
    Row("rights", "to write Events", without("events"), "create, patch events", warning=True),
)
PORTS = [{"name": "other", "port": 6379}]
TWO = (objects.subset("10.77.0.11"), objects.subset("10.77.0.12", port=6380))
SERVICES = (
    Row("services", "none", objects.no_service, "there is no such Service"),
    Row("services", "one with a selector", objects.spec(selector={"app": "db"}), "has a selector"),
    Row(
        "services",
        "one for another name",
        objects.spec(type="ExternalName", externalName="db.example.com"),
        "ExternalName",
    ),
    Row("services", "other port names", service(ports=PORTS), "port names do not match"),
    Row(
        "services",
        "an address that the file lacks",
        objects.endpoints(objects.subset("10.77.0.99")),
        "10.77.0.99",
    ),
    Row("services", "two subsets of different ports", objects.endpoints(*TWO), "subsets"),
    Row("services", "a second keeper", objects.applied, "keeps its Endpoints", warning=True),
    Row(
        "services",
        "a pause",
        objects.annotated(mooring__paused="by=ann;reason=move"),
        "is paused",
        warning=True,
    ),
    Row("services", "a host of another family", breaking.other_family, "of a family", warning=True),
)
MIRRORING = (
    Row("mirroring", "forbidden by a label", objects.not_mirrored, "skip-mirror"),
    Row("mirroring", "by nobody", objects.mirror_stands_still, "no EndpointSlice mirrors"),
    Row("mirroring", "a foreign slice", objects.foreign_slice, "that Mooring does not keep: left"),
)
HOSTS = (
    Row("hosts", "nothing listens", breaking.idle_host, "refused: "),
    Row("hosts", "packets vanish", breaking.silent_host, "(timeout|local): "),
    Row("hosts", "no way there", breaking.rejecting_host, "unreachable: "),
    Row("hosts", "a name that no server knows", hosts("db.invalid"), "dns: "),
    Row("hosts", "another protocol", out(instead(redis={})), "(protocol|reset): ", kind="mysql"),
    Row("hosts", "a wrong password", password("wrong"), "auth: ", kind="mysql"),
    Row("hosts", "no such account", block(user="nobody"), "auth: "),
    Row("hosts", "no TLS there", out(block(tls={"mode": "required"})), "tls: ", kind="mysql"),
    Row("hosts", "a certificate of others", breaking.tls_redis("db.internal", trusted=False), "tls: "),
    Row("hosts", "a certificate for another name", breaking.tls_redis("other.internal"), "tls: "),
    Row("hosts", "a certificate that expired", breaking.tls_redis("db.internal", days=-1), "tls: "),
    Row(
        "hosts",
        "a certificate that expires soon",
        breaking.tls_redis("db.internal", days=7, ready=True),
        "expires",
        warning=True,
    ),
    Row("hosts", "full", breaking.full_redis, "saturated: "),
    Row("hosts", "two primaries", out(block(role="primary")), "several hosts say that they are the primary"),
    Row("hosts", "no replica", out(block(role="replica")), "no host has the role replica"),
    Row("hosts", "an account without a right", block(role="replica"), "auth: needs GRANT", kind="mysql"),
    Row("hosts", "no writer", out(breaking.no_writer), "no host has the role primary", kind="mysql"),
    Row("hosts", "a query that says no", out(block(query="SELECT 0", expect="1")), "offline: ", kind="mysql"),
)
SENTINELS = (
    Row("sentinels", "one is down", breaking.silent_sentinels(2), "refused: ", kind="sentinel", warning=True),
    Row("sentinels", "all are down", breaking.silent_sentinels(0, 1, 2), "refused: ", kind="sentinel"),
    Row("sentinels", "an unknown name", breaking.sentinels(name="other"), "other", kind="sentinel"),
    Row("sentinels", "an unknown account", breaking.sentinels(user="nobody"), "auth: ", kind="sentinel"),
)
FORGOTTEN = {"leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"}
INSTALLATION = (
    Row("network", "another port", objects.policy(ports=[{"port": 5432}]), "no NetworkPolicy"),
    Row("lease", "none", objects.no_lease, "does not exist"),
    Row("lease", "nobody holds it", objects.lease(holderIdentity=""), "nobody holds the Lease"),
    Row("lease", "nobody renews it", objects.lease(**FORGOTTEN), "nobody renews the Lease"),
    Row("lease", "a holder whose clock is off", objects.late_holder, "the clock of mooring-0", warning=True),
    Row("clock", "ours is off", objects.slow_clock, "the clock here is 3[56]\\d\\d s ahead"),
    Row("traffic", "no way to the Service", objects.proxy_stands_still, "a login through .* fails"),
    Row("traffic", "a way to another host", objects.proxy_is_behind, "leads to 10.77.0.11 .* is 10.77.0.12"),
)
BROKEN = (*FILE, *SECRETS, *CLUSTER, *RIGHTS, *SERVICES, *MIRRORING, *HOSTS, *SENTINELS, *INSTALLATION)
