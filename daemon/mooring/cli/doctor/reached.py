"""What a login through a ClusterIP says of the traffic of its Service. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mooring.cli.doctor.finding import Finding, Note
from mooring.model.facts import place
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import ServiceKey
from mooring.model.targets import Member

NO_TRAFFIC = "applications that use the Service from here reach no database"
DEAD = "a part of the Service's new connections fails, or all of them"
ELSEWHERE = "applications may read and write where Mooring does not want them"
PROXY = (
    "kubectl -n kube-system get pods -l k8s-app=kube-proxy -o wide\n"
    "# one must run on this node; its log says why it has no rule for the Service, or an old one.\n"
    "# A NetworkPolicy may also allow the hosts, and not the ClusterIP"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a host said when it was asked itself who it is; ``seen.answer`` is None where it did not say."""

    member: Member
    seen: Observation

    def __str__(self) -> str:
        return f"{self.member.host.name} ({place(self.member.target.address, self.member.target.port)})"


def reached(
    key: ServiceKey, where: str, through: Observation, published: Sequence[Asked], others: Sequence[Asked]
) -> Iterator[Finding | Note]:
    """One finding or one note. ``where``: ClusterIP and port; ``others``: listed, and not published as ready."""
    dead = [f"{one}: {_said(one.seen)}" for one in published if _effect(one) in {Effect.FAILURE, Effect.DECIDES}]
    unknown = [f"{one}: {_said(one.seen)}" for one in published if _effect(one) is Effect.UNKNOWN]
    if dead:
        mend = f"mooring explain {key}, and the log of the Mooring that leads: it has not taken the host out"
        yield Finding(f"{key}: {where} leads to a host that does not serve: {', '.join(dead)}", DEAD, mend)
    elif unknown:
        yield Note(f"{key}: no word on {where}: its hosts cannot be judged: {', '.join(unknown)}")
    elif through.reason is not Reason.OK:
        names = ", ".join(map(str, published))
        what = f"{key}: a login through {where} fails, though {names} can be reached: {_said(through)}"
        yield Finding(what, NO_TRAFFIC, PROXY)
    else:
        yield _who(key, where, through.answer, published, others)


def _who(
    key: ServiceKey, where: str, answer: str | None, published: Sequence[Asked], others: Sequence[Asked]
) -> Finding | Note:
    unsaid = answer is None or any(one.seen.answer is None for one in published)
    if same := [str(one) for one in published if answer is not None and one.seen.answer == answer]:
        return Note(f"{key}: {where} leads to {' or '.join(same)}")
    if unsaid:
        names = " or ".join(map(str, published))
        return Note(
            f"{key}: {where} answers; whether it leads to {names} cannot be told: the server does not say who it is"
        )
    other = next((str(one) for one in others if one.seen.answer == answer), "a server that is no host of the file")
    what = f"{key}: {where} leads to {other}, and published as ready {_are(published)}"
    return Finding(what, ELSEWHERE, PROXY)


def _are(published: Sequence[Asked]) -> str:
    return f"{'is' if len(published) == 1 else 'are'} {', '.join(map(str, published))}"


def _effect(asked: Asked) -> Effect:
    return MEANINGS[asked.seen.reason].effect


def _said(seen: Observation) -> str:
    return f"{seen.reason}: {seen.message or MEANINGS[seen.reason].sentence}"
