"""Why a host is in or out, in words: a pure function of the status document.

verdict      | last outcome             | the words
-------------+--------------------------+---------------------------------------------------------------
ready        | ok                       | in since ...: answers and can serve
ready        | failure, counted         | in since ...: 2 of 3 failures against it, ...; out after 1 more
ready        | failure, not counted     | in since ...: stays in though ...
ready        | unknown                  | in since ..., unchecked: ...
not ready    | failure                  | out since ...: 3 of 3 failures, ...; back after 2 successes
not ready    | the host's own word      | out since ...: ..., its own word, which decides at once
not ready    | ok                       | ...; 1 of 2 successes so far, back after 1 more
not ready    | unknown                  | ...; its last outcome is unknown (...) and changes nothing
never judged | none, unknown, undecided | never judged, and so out: ...

``maintenance`` and a drain outweigh all of these. What is published otherwise than the verdict asks, and why, follows;
then the other hosts of the Service.
"""

from __future__ import annotations

from collections.abc import Iterator

from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.verdicts import Verdict
from mooring.observe.banners import asked
from mooring.observe.story import time_of_day
from mooring.observe.summary import Document
from mooring.observe.table import HELD

_FAILED = (Effect.FAILURE, Effect.DECIDES)


def explanation(document: Document, service: Document, host: Document, now: float) -> str:
    """One sentence. ``host`` is one of ``service`` in ``document``, with its ``transitions`` where these are known;
    ``now`` in Unix seconds.
    """
    clauses = [
        _verdict(host, now),
        *_hold(host, now),
        *_publication(document, service, host),
        *_hindrances(document, service),
    ]
    return "; ".join([*clauses, _others(service, host)])


def _verdict(host: Document, now: float) -> str:
    if host["maintenance"]:
        return _maintenance(host)
    if host["verdict"] == Verdict.READY:
        return f"in{_since(host, now)}{_of_ready(host)}"
    if host["verdict"] == Verdict.UNJUDGED:
        return f"never judged, and so out: {_of_unjudged(host)}"
    return f"out{_since(host, now)}{_cause(host)}{_way_back(host)}"


def _maintenance(host: Document) -> str:
    drained = host.get("maintenanceSource") == "annotation"
    who = asked(host["drain"]) if host.get("drain") else ""
    by = f"the annotation mooring/drain takes it out{who}" if drained else "it is in maintenance by the file"
    said = _outcome(host) if host["reason"] else "it has not been probed yet"
    return f"out, because {by}; its last probe: {said}"


def _since(host: Document, now: float) -> str:
    return f" since {time_of_day(host['since'], now)} UTC" if host["since"] else ""


def effect_of(reason: str | None) -> Effect | None:
    """None: no outcome, or a reason that only a newer Mooring knows."""
    return MEANINGS[Reason(reason)].effect if reason in set(Reason) else None


def _outcome(one: Document) -> str:
    """Of a host, a run or a transition: ``refused at 10.20.0.12:3306: nothing listens on the port (...)``."""
    at = f" at {one['probed']}" if one.get("probed") else ""
    known = one["reason"] in set(Reason)
    meaning = f": {MEANINGS[Reason(one['reason'])].sentence}" if known else ""
    return f"{one['reason']}{at}{meaning}" + (f" ({one['message']})" if one["message"] else "")


def _of_ready(host: Document) -> str:
    effect, count, most = effect_of(host["reason"]), host["consecutive"], host["threshold"]
    counted = f"; {count} of {most} failures count against it" if count else ""
    if host["reason"] is None:
        return ", as it was stored: it has not been probed yet"
    if effect is Effect.SUCCESS:
        return f": {_outcome(host)}"
    if effect is Effect.UNKNOWN:
        return f", unchecked: {_outcome(host)}; what is unknown changes nothing, so it stays in{counted}"
    if count:
        way_out = "" if host.get("held") else f"; out after {most - count} more"
        return f": {count} of {most} failures against it, {_outcome(host)}{way_out}"
    return f": stays in though {_outcome(host)}; its Service, or the session that Mooring holds there, keeps it"


def _of_unjudged(host: Document) -> str:
    if host["reason"] is None:
        return host["message"] or "it has not been probed yet"
    if effect_of(host["reason"]) is Effect.UNKNOWN:
        return f"{_outcome(host)}; its first outcome that is not unknown decides at once"
    return f"{_outcome(host)}; nothing is decided yet"


def _cause(host: Document) -> str:
    """What took the host out."""
    turn = _last_turn(host)
    if turn is None:
        return f": {_outcome(host)}" if effect_of(host["reason"]) in _FAILED else ""
    if turn["reason"] is None:
        return ", as it was stored when Mooring took it over"
    if effect_of(turn["reason"]) is Effect.DECIDES:
        return f": {_outcome(turn)}, its own word, which decides at once"
    if effect_of(turn["reason"]) is not Effect.FAILURE:
        return f": {turn['message'] or _outcome(turn)}"
    streak = turn["streak"]
    first = turn["from"] == Verdict.UNJUDGED
    return f": {'its first outcome' if first else f'{streak} of {streak} failures'}, {_outcome(turn)}"


def _last_turn(host: Document) -> Document | None:
    """The transition that made the present verdict."""
    turns: list[Document] = [one for one in host.get("transitions", ()) if one["to"] == host["verdict"]]
    return turns[-1] if turns else None


def _way_back(host: Document) -> str:
    effect, count, most = effect_of(host["reason"]), host["consecutive"], host["threshold"]
    if host.get("held"):
        return f"; now {count} of {_successes(most)}"
    more = f"back after {_successes(most - count)}{' more' if count else ''}"
    turn = _last_turn(host)
    if effect is Effect.SUCCESS:
        if count:
            return f"; {count} of {_successes(most)} so far, {more}"
        return f"; now it answers ({host['message']})" if host["message"] else f"; {more}"
    if effect is Effect.UNKNOWN:
        return f"; its last outcome is unknown ({_outcome(host)}) and changes nothing; {more}"
    if effect in _FAILED and turn is not None and turn["reason"] != host["reason"]:
        return f"; now {_outcome(host)}; {more}"
    return f"; {more}"


def _hold(host: Document, now: float) -> Iterator[str]:
    """A rule that holds the verdict back."""
    if hold := host.get("held"):
        until = f" until {time_of_day(hold['until'], now)} UTC" if hold["until"] else ""
        yield f"its verdict is held back{until}: {HELD.get(hold['by'], hold['by'])}"


def _successes(count: int) -> str:
    return f"{count} success" if count == 1 else f"{count} successes"


def _publication(document: Document, service: Document, host: Document) -> Iterator[str]:
    """Where the host is published otherwise than its verdict asks."""
    fit = host["verdict"] == Verdict.READY and not host["maintenance"]
    published = host["published"]
    if published == "last-resort":
        yield "published as a last resort, while no host of the Service is ready"
    elif published == Verdict.READY and not fit:
        yield f"still published as ready{_kept(service, host)}"
    elif published != Verdict.READY and fit:
        yield f"not published as ready{_held_back(document, service, host)}"


def _kept(service: Document, host: Document) -> str:
    if service.get("keptLast"):
        return ": no host is fit, and whenAllFail: keepLast keeps the last ready ones"
    return ": the annotation mooring/trust vouches for it" if host["name"] in service.get("trusted", ()) else ""


def _held_back(document: Document, service: Document, host: Document) -> str:
    if service.get("error") or service.get("paused") or document.get("apiUnheardSince"):
        return ""
    if service.get("splitBrain"):
        return ": while several hosts say that they are the primary, none is"
    return ": it is a backup, and other hosts serve" if host.get("backup") else " yet"


def _hindrances(document: Document, service: Document) -> Iterator[str]:
    """What keeps Mooring from deciding, or from storing what it decided."""
    if document.get("blind"):
        yield "Mooring is blind: all ready hosts are silent at once, so it takes itself for cut off, and nothing moves"
    if service.get("splitBrain"):
        yield "split brain: several hosts of the Service say that they are the primary"
    if service.get("error"):
        yield f"Mooring does not write this Service: {service['error']}"
    if service.get("paused"):
        yield "the Service is paused (annotation mooring/paused), and nothing is written"
    if document.get("apiUnheardSince"):
        yield "the API server does not answer, and what is stored stays"
    if not document["leader"]:
        holder = document.get("holder")
        yield f"this Mooring is a standby: {f'{holder} leads and writes' if holder else 'no Mooring is known to lead'}"


def _others(service: Document, host: Document) -> str:
    others = [one for one in service["hosts"] if one is not host]
    if not others:
        return "it is the only host of the Service"
    ready = sum(one["verdict"] == Verdict.READY and not one["maintenance"] for one in others)
    out = len(others) - ready
    return "other hosts of the Service: " + ", ".join(filter(None, (f"{ready} ready", f"{out} out" if out else "")))
