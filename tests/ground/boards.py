"""Boards for tests: Services placed and seeded, and reports of hosts in their own rhythm."""

from __future__ import annotations

from dataclasses import replace

from ground.values import KEY, THRESHOLDS, report, spec, target
from mooring.board import Board, Taken
from mooring.decide.names import members
from mooring.model import HostState, Stored, Verdict
from mooring.reasons import MEANINGS, Reason
from mooring.spec import ServiceKey, ServiceSpec, Thresholds


def service(
    *addresses: str, key: ServiceKey = KEY, period: float = 2.0, thresholds: Thresholds = THRESHOLDS
) -> ServiceSpec:
    plain = spec(*addresses, key=key, period=period)
    return replace(plain, check=replace(plain.check, thresholds=thresholds))


def place(board: Board, listed: ServiceSpec, names: dict[str, tuple[str, ...]] | None = None) -> None:
    expanded = members(listed, names or {}, ())
    board.set_members(listed, expanded)


def board_of(*services: ServiceSpec, of: Stored | None = None) -> Board:
    """A board whose Services were all seeded from the same stored object."""
    board = Board()
    for one in services:
        place(board, one)
        board.seed(one.key, of)
    return board


def states(board: Board, key: ServiceKey = KEY) -> dict[str, HostState]:
    return {member.address: state for member, state in board.view(key)}


def verdicts(board: Board, key: ServiceKey = KEY) -> dict[str, Verdict]:
    return {address: state.verdict for address, state in states(board, key).items()}


def probe(board: Board, address: str, *reasons: Reason, at: float = 0.0, every: float = 2.0) -> list[Taken]:
    """Reports of one target in its own rhythm; a silent one lasts for its timeout."""
    taken = []
    for number, reason in enumerate(reasons):
        made = report(target(address), reason, started=at + number * every)
        silent = MEANINGS[reason].silent
        taken.append(board.take([replace(made, ended=made.started + 1.0) if silent else made]))
    return taken


def kinds(taken: Taken) -> list[str]:
    return [type(event).__name__ for event in taken.events]
