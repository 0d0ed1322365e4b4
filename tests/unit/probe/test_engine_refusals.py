"""Logins that are refused, or have no answer after a refusal, against servers that follow a script."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace

import pytest

from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.probe import account as account_module
from mooring.probe.backoff import Backoff
from support import packets
from support.engine_harness import SECONDS, Turns, of, turns
from support.fake_redis import PONG, Puppet, puppet
from support.probe_once import target_of
from support.scripted_server import Peer, Rogue, rogue

OK, AUTH, TIMEOUT, REFUSED, TLS = Reason.OK, Reason.AUTH, Reason.TIMEOUT, Reason.REFUSED, Reason.TLS
DENIED = packets.error(1045, "Access denied", 2, "28000")


class Door:
    """A MySQL by a script: it greets, and answers each login as the test sets; a fake, for no real one does so at will.

    ``delayed``: the login is answered once ``answers`` is set.
    """

    def __init__(self) -> None:
        self.logins = 0
        self.delayed = False
        self.answers = threading.Event()
        self.lets_in = False

    def play(self, client: Peer) -> None:
        client.send(packets.greeting())
        client.receive_packet()
        self.logins += 1
        if self.delayed:
            self.answers.wait(SECONDS)
        if not self.lets_in:
            client.send(DENIED)
            return
        client.send(packets.ok(2))
        client.receive_packet()  # its settings
        client.send(packets.ok(1))
        client.receive_packet()
        client.send(packets.result("1"))
        while client.receive_packet() != b"\x01":
            client.send(packets.ok(1))


def target(server: Rogue, *, timeout: float = 2.0) -> Target:
    return target_of("mysql", server.address, server.port, timeout=timeout, user="mooring")


def patient(server: Rogue) -> Target:
    """The same login with the time of a busy machine."""
    return target(server, timeout=SECONDS)


def again(engine: Turns, *, later: float = 0.0) -> None:
    """The next login may begin at once; ``later``: as if the last refusal were so many seconds older."""

    def hurry() -> None:
        for account in engine.engine._accounts.values():
            old = account.backoff
            account.backoff = Backoff(old.refusals, old.tls_failures, 0.0, old.refusal, old.refused_at - later)

    engine.engine._loop.call(hurry)
    engine.settle()


def wait_on(engine: Turns) -> None:
    """No login may begin for long, where the engine lets none begin now."""

    def extend() -> None:
        for account in engine.engine._accounts.values():
            assert account.backoff.next_at > account.backoff.refused_at
            account.backoff = replace(account.backoff, next_at=math.inf)

    engine.engine._loop.call(extend)
    engine.settle()


def test_turns_between_two_refused_logins_are_left_out() -> None:
    """They make no login and no report: the last outcome stays. They are no overruns either."""
    door = Door()
    with rogue(door.play) as server, turns(one := target(server, timeout=SECONDS)) as engine:
        assert [report.observation.reason for report in engine.turn(one)] == [AUTH]
        wait_on(engine)
        for _ in range(10):
            engine.engine.ask([one])
        engine.settle()
        assert (door.logins, engine.reasons(one), engine.overruns) == (1, [AUTH], [])


@pytest.mark.parametrize("how", ["a changed file", "a reload", "time"])
def test_what_ends_the_wait_after_a_refusal(how: str, tmp_path: object) -> None:
    """The next turn logs in; and a login that is made ends the row of refusals."""
    door = Door()
    with rogue(door.play) as server, turns(one := target(server, timeout=SECONDS)) as engine:
        engine.turn(one)
        door.lets_in = True
        if how == "time":
            time.sleep(1.0)
        else:
            engine.engine.renew(None)
        assert [report.observation.reason for report in engine.turn(one)] == [OK]
        (account,) = engine.engine._accounts.values()
        assert account.backoff == Backoff()


def test_a_dead_host_is_probed_at_the_period_again() -> None:
    """A connect that is refused is no refusal of the login: each turn has its outcome from then on."""
    with puppet() as server:
        server.auth = server.welcome = b"-DENIED Redis is running in protected mode\r\n"
        with turns(one := of(server, timeout=SECONDS)) as engine:
            assert [report.observation.reason for report in engine.turn(one)] == [AUTH]
            server.die()
            again(engine)
            assert [report.observation.reason for _ in range(4) for report in engine.turn(one)] == [REFUSED] * 4


def test_silence_after_our_credentials_is_the_refusal_still() -> None:
    """Some servers delay whom they refused: the login is left open, none is made beside it, and its refusal counts."""
    door = Door()
    with rogue(door.play) as server, turns(patient(server), one := target(server)) as engine:
        engine.turn(patient(server))
        door.delayed = True
        again(engine)
        for report in (*engine.turn(one), *(engine.silent_turn(one) for _ in range(3))):
            assert report.observation.reason is AUTH
            assert "the next login has no answer yet" in report.observation.message
        wait_until(lambda: door.logins == 2, SECONDS, "the second login, and no third")
        (account,) = engine.engine._accounts.values()
        door.answers.set()
        wait_until(lambda: account.backoff.refusals == 2, SECONDS, "the late refusal to be counted")
        assert account.backoff.next_at > time.monotonic()


def test_silence_ten_minutes_after_a_refusal_is_a_timeout() -> None:
    """And so it is where no login was refused before."""
    door = Door()
    with rogue(door.play) as server, turns(patient(server), one := target(server)) as engine:
        engine.turn(patient(server))
        door.delayed = True
        again(engine, later=600.0)
        told = (*engine.turn(one), *(engine.silent_turn(one) for _ in range(2)))
        assert [report.observation.reason for report in told] == [TIMEOUT] * 3
        wait_until(lambda: door.logins == 2, SECONDS, "the second login, and no third")
        door.answers.set()


def test_silence_before_the_greeting_is_a_timeout() -> None:
    """It is no word on our credentials."""
    door = Door()
    silent = threading.Event()

    def play(client: Peer) -> None:
        if silent.is_set():
            door.answers.wait(SECONDS)
        door.play(client)

    with rogue(play) as server, turns(patient(server), one := target(server)) as engine:
        engine.turn(patient(server))
        silent.set()
        again(engine)
        assert [report.observation.reason for report in engine.turn(one)] == [TIMEOUT]
        door.answers.set()


def test_a_redis_that_falls_silent_after_a_refusal_is_a_timeout() -> None:
    """Redis delays nobody whom it refuses."""
    with puppet() as server:
        server.welcome = b"-DENIED Redis is running in protected mode\r\n"
        with turns(one := of(server)) as engine:
            assert [report.observation.reason for report in engine.turn(one)] == [AUTH]
            server.awake.clear()
            again(engine)
            assert [engine.silent_turn(one).observation.reason for _ in range(2)] == [TIMEOUT] * 2


def test_a_witness_logs_in_whatever_the_last_login_said() -> None:
    """Whether anything answers at all is asked seldom, and must be known now."""
    door = Door()
    with rogue(door.play) as server, turns(one := target(server, timeout=SECONDS)) as engine:
        engine.turn(one)
        engine.engine.ask_witness(one)
        report = engine.next(one, 1)
        assert (report.witness, report.observation.reason, door.logins) == (True, AUTH, 2)


def test_after_four_tls_failures_a_minute_passes() -> None:
    """Three tries at the period follow the first; a server counts each as a broken connection."""
    door = Door()
    with rogue(door.play) as server:
        one = target_of("mysql", server.address, server.port, timeout=SECONDS, user="mooring", tls={})
        with turns(one) as engine:
            assert [report.observation.reason for _ in range(4) for report in engine.turn(one)] == [TLS] * 4
            engine.engine.ask([one])
            engine.settle()
            assert (engine.reasons(one), engine.overruns) == ([TLS] * 4, [])
            again(engine)
            assert [report.observation.reason for report in engine.turn(one)] == [TLS]


def test_a_parser_that_stumbles_ends_its_session_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception from the bytes of a host is ``protocol`` of that host; the next turn logs in anew."""
    with puppet() as server, puppet("127.0.0.2") as other, turns(one := of(server), two := of(other)) as engine:
        engine.turn(one, two)
        monkeypatch.setattr("mooring.protocols.redis.wire.ReplyParser.feed", _stumbles)
        (report,) = engine.turn(one)
        monkeypatch.undo()
        assert report.observation.reason is Reason.PROTOCOL
        assert report.observation.message == "IndexError: planted"
        assert [later.observation.reason for later in engine.turn(one, two)] == [OK, OK]
        assert (server.connections, other.connections) == (2, 1)
        assert server.welcome == PONG


def _stumbles(*_: object) -> None:
    """A planted defect: no such answer is known."""
    raise IndexError("planted")


def test_ten_minutes_are_the_patience() -> None:
    """Mooring waits so long for a login without an answer before it tries one more."""
    assert account_module.PATIENCE_SECONDS == 600.0


def refused_beside_a_session(server: Puppet, engine: Turns, one: Target) -> None:
    """Its session answers; the login beside it was refused, and the next may not begin for long."""
    engine.turn(one)
    server.welcome = b"-DENIED Redis is running in protected mode\r\n"
    probe = engine.engine._probes[one]
    probe.login_at = 0.0
    engine.turn(one)
    wait_until(lambda: probe.account.backoff.refusals, SECONDS, "the refusal")
    probe.account.backoff = replace(probe.account.backoff, next_at=math.inf)
    engine.turn(one)


def expired_turn(engine: Turns, one: Target) -> None:
    """One turn whose deadline comes at once."""
    engine.engine.ask([one])
    engine.settle()
    for _ in range(3):  # the look for the answer, the deadline, and one to spare
        engine.skip(SECONDS, connects=True)


@pytest.mark.fault(
    "account",
    "A host hangs after our login beside its session was refused",
    "Its silence counts at each turn: it leaves.",
    within="F x P + T",
)
def test_a_host_that_hangs_beside_a_refused_login_is_found_as_fast_as_any() -> None:
    """Each turn is a ``timeout``: the wait after the refusal is over once its session is silent."""
    with puppet() as server, turns(one := of(server, timeout=SECONDS)) as engine:
        refused_beside_a_session(server, engine, one)
        server.awake.clear()
        for turn in range(1, 4):
            expired_turn(engine, one)
            assert engine.reasons(one)[-turn - 1 :] == [OK, *[TIMEOUT] * turn]
        server.awake.set()
        wait_until(lambda: engine.reasons(one)[-1] is OK, SECONDS, "it is asked anew over its session")


def test_a_session_that_is_late_again_and_again_hurries_one_refused_login_a_minute() -> None:
    """A slow host is not sent a wrong password at each turn: that could lock the account."""
    with puppet() as server, turns(one := of(server, timeout=SECONDS)) as engine:
        refused_beside_a_session(server, engine, one)
        account = engine.engine._probes[one].account
        late_turn(server, engine, one)
        wait_until(lambda: account.backoff.refusals == 2, SECONDS, "the login after the first silence")
        for _ in range(3):
            account.backoff = replace(account.backoff, next_at=math.inf)
            late_turn(server, engine, one)
            assert (account.backoff.next_at, account._opening) == (math.inf, None)
        account._hurried_at -= 60.0
        late_turn(server, engine, one)
        wait_until(lambda: account.backoff.refusals == 3, SECONDS, "the login after a minute")


def late_turn(server: Puppet, engine: Turns, one: Target) -> None:
    """The answer comes after the deadline; the next turn is answered."""
    server.awake.clear()
    expired_turn(engine, one)
    assert engine.reasons(one)[-1] is TIMEOUT
    server.awake.set()
    wait_until(lambda: engine.reasons(one)[-1] is OK, SECONDS, "it is asked anew over its session")
    engine.settle()


@pytest.mark.fault(
    "account",
    "Only the connection hangs, after packets were lost, and a login is refused",
    "`unknown: auth` is shown, and it stays.",
    within="nothing moves",
)
def test_a_silent_session_beside_a_login_that_is_refused_moves_nothing() -> None:
    """Only the connection hangs, as after packets were lost: the host says no, and so it is there."""
    with puppet() as server, turns(one := of(server, timeout=SECONDS)) as engine:
        refused_beside_a_session(server, engine, one)
        server.mute()
        expired_turn(engine, one)
        assert engine.reasons(one)[-1] is TIMEOUT
        assert engine.turn(one)[0].observation.reason is AUTH
        for _ in range(3):
            engine.engine.ask([one])
        engine.settle()
        assert engine.reasons(one)[-1] is AUTH, "the turns until the next login are left out"


def test_a_login_that_hangs_is_seen_by_all_services_that_share_it() -> None:
    """While one is waited for, the other Service can begin none: it does not stay for that."""
    door = Door()
    door.lets_in = True
    with rogue(door.play) as server:
        one_and_other = [target(server, timeout=timeout) for timeout in (0.3, 0.4)]
        with turns(*one_and_other, login=0.1) as engine:

            def back() -> bool:
                return [report.observation.reason for report in engine.turn(*one_and_other)] == [OK, OK]

            wait_until(back, SECONDS, "both are there", every=0.05)
            door.delayed = True

            def both_go() -> bool:
                seen = [report.observation for report in engine.turn(*one_and_other)]
                return all(each.reason is TIMEOUT and "session held" not in each.message for each in seen)

            wait_until(both_go, SECONDS / 4, "both judge by the login", every=0.05)
            door.delayed = False
            door.answers.set()
            wait_until(back, SECONDS, "both are back", every=0.05)
