"""The MySQL probe."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.certificates import issue
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.mysql.session import NOBODY
from mooring.protocols.mysql.wire import QUESTION
from support import packets
from support.caching_sha2 import CachingSha2
from support.probe_once import ask
from support.rogue_servers import SCRIPTS, Peer, Rogue, mysql, rogue, says_first
from support.scripted_server import says_and_hangs_up

QUIT = packets.packet(b"\x01", 0)


def _question(text: str) -> bytes:
    return packets.packet(b"\x03" + text.encode(), 0)


def _ask(server: Rogue, **block: Any) -> Observation:
    return ask("mysql", server.address, server.port, **block)


def test_a_probe_is_a_login_a_question_and_a_goodbye(password: bytes, password_file: str) -> None:
    """No SET NAMES, no SET AUTOCOMMIT, no password in clear; COM_QUIT, so that no client counts as aborted."""
    with rogue(mysql()) as server:
        assert _ask(server, user="probe", passwordFile=password_file).reason is Reason.OK
    login, question, end = server.received.partition(_question(QUESTION))
    assert question
    assert end == QUIT
    assert len(login) == 4 + int.from_bytes(login[:3], "little")
    assert b"probe\0" in login
    assert password not in login


@pytest.mark.parametrize("code", [1045, 1251, 1698])
def test_a_refused_login_is_auth(code: int) -> None:
    """The refusal of the account in the file is no evidence about the host, whichever error the server gives."""
    with rogue(mysql(login=packets.error(code, "Access denied for user 'probe'", 2))) as server:
        seen = _ask(server, user="probe")
    assert (seen.reason, seen.message.startswith(f"{code}: ")) == (Reason.AUTH, True)


def test_a_refusal_before_the_greeting_is_auth() -> None:
    """A server may refuse Mooring before it greets."""
    with rogue(says_first(packets.error(1045, "Access denied", 0))) as server:
        assert _ask(server, user="probe").reason is Reason.AUTH


def test_without_a_password_a_login_that_succeeds_asks_too() -> None:
    """A server that lets everybody in must still answer the question."""
    with rogue(mysql(answer=packets.result("2"))) as server:
        assert _ask(server, user="probe").reason is Reason.PROTOCOL


@pytest.mark.parametrize("method", ["dialog", "auth_gssapi_client", "mysql_clear_password"])
def test_without_a_password_any_method_gets_an_empty_answer(method: str) -> None:
    """There is no password to hide, so the server itself ends the login, and its own error is the outcome."""

    def play(peer: Peer) -> None:
        peer.send(packets.greeting())
        peer.receive_packet()
        peer.send(packets.switch(method, 2))
        assert peer.receive_packet() == b"\0"
        peer.send(packets.error(1045, "Access denied", 4))
        peer.hold()

    with rogue(play) as server:
        seen = _ask(server, user="probe")
    assert (seen.reason, seen.message) == (Reason.AUTH, "1045: Access denied")


@pytest.mark.parametrize("name", ["mysql-clear-password", "mysql-dialog", "mysql-unknown-method", "mysql-old-password"])
def test_a_method_that_is_not_spoken_ends_the_login_without_the_password(
    name: str, password: bytes, password_file: str
) -> None:
    """The server gets an empty password instead, so that it counts no broken connection; the method is named."""
    with rogue(SCRIPTS[name]) as server:
        seen = _ask(server, user="probe", passwordFile=password_file)
    assert (seen.reason, "it was not sent" in seen.message) == (Reason.AUTH, True)
    assert server.received.endswith(packets.packet(b"\0", 3))
    assert password not in server.received


def test_a_server_that_strips_tls_gets_a_stranger_s_login(password: bytes, password_file: str) -> None:
    """Mooring ends the login as nobody: the server counts no broken connection, and does not see the account."""
    with rogue(SCRIPTS["mysql-tls-stripped"]) as server:
        seen = _ask(server, user="probe", passwordFile=password_file, tls={}, timeout=10.0)
    assert (seen.reason, seen.message) == (Reason.TLS, "offers no TLS")
    assert f"{NOBODY}\0".encode() in server.received
    assert b"probe" not in server.received
    assert b"SELECT" not in server.received


@pytest.mark.parametrize(
    ("rows", "reason", "answer"),
    [
        (["ON"], Reason.OK, "ON"),
        (["first", "second"], Reason.OK, "first"),
        ([None], Reason.OK, "NULL"),
        ([], Reason.OFFLINE, None),
    ],
    ids=["one", "two-rows", "null", "none"],
)
def test_a_query_of_the_file_is_asked_instead(rows: list[str | None], reason: Reason, answer: str | None) -> None:
    """Its percent signs stay as they are, and the first column of the first row is the answer."""
    query = "SELECT x FROM t WHERE y LIKE '%s'"
    with rogue(mysql(answer=packets.result(*rows))) as server:
        seen = _ask(server, user="probe", query=query)
    assert (seen.reason, seen.answer) == (reason, answer)
    assert _question(query) in server.received


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (packets.ok(1), Reason.PROTOCOL),
        (packets.error(1142, "SELECT command denied", 1), Reason.AUTH),
        (packets.error(1064, "You have an error in your SQL syntax", 1), Reason.LOCAL),
        (packets.error(1047, "WSREP has not yet prepared node for application use", 1), Reason.NOT_SYNCED),
        (packets.error(1146, "Table does not exist", 1), Reason.PROTOCOL),
        (packets.load_local("/etc/passwd", 1), Reason.PROTOCOL),
    ],
    ids=["ok-packet", "denied", "syntax", "galera", "no-table", "load-local"],
)
def test_an_error_to_the_query_ends_politely_too(answer: bytes, reason: Reason) -> None:
    """The session ends with COM_QUIT however the question ended. Mooring never sends a file of its own."""
    with rogue(mysql(answer=answer)) as server:
        seen = _ask(server, user="probe", query="SELECT CAST('x' AS CHAR)")
    assert seen.reason is reason
    assert server.received.endswith(QUIT)
    assert b"root:" not in server.received


def test_an_answer_beyond_the_cap_is_cut_off() -> None:
    """Mooring stops a query that returns a table, and the message gives the reason."""
    with rogue(mysql(answer=packets.result(*["x" * 200] * 400))) as server:
        seen = _ask(server, user="probe", query="SELECT x FROM t")
    assert (seen.reason, seen.message) == (Reason.PROTOCOL, "sends more than 65536 bytes")


@pytest.mark.parametrize("switching", [False, True], ids=["greeted-so", "switched-to"])
def test_caching_sha2_password_in_both_paths(switching: bool, password: bytes, password_file: str) -> None:  # noqa: FBT001 -- a parameter of the table
    """First the whole login, the password encrypted for the server's RSA key; then the short one by its cache."""
    script = CachingSha2(password, switching=switching)
    block: dict[str, Any] = {"user": "probe", "passwordFile": password_file, "serverPublicKey": "request"}
    with rogue(script) as server:
        seen = [_ask(server, **block) for _ in range(3)]
    assert [(one.reason, one.caution) for one in seen] == [(Reason.OK, "")] * 3
    assert (script.full_logins, script.fast_logins) == (1, 2)
    assert password not in server.received


@pytest.mark.parametrize("switching", [False, True], ids=["greeted-so", "switched-to"])
def test_no_password_is_encrypted_for_a_key_that_anybody_could_have_sent(
    switching: bool,  # noqa: FBT001 -- a parameter of the table
    password: bytes,
    password_file: str,
) -> None:
    """It is our fault, not the host's, and the message names both ways out; the server itself ends the login."""
    script = CachingSha2(password, switching=switching)
    with rogue(script) as server:
        seen = _ask(server, user="probe", passwordFile=password_file)
    assert (seen.reason, script.full_logins, script.keys_sent) == (Reason.AUTH, 0, 0)
    assert "set tls, or serverPublicKey: request" in seen.message


def test_a_login_by_the_cache_alone_is_shown_to_be_at_risk(password: bytes, password_file: str) -> None:
    """It works until the server's next restart."""
    script = CachingSha2(password)
    block: dict[str, Any] = {"user": "probe", "passwordFile": password_file}
    with rogue(script) as server:
        assert _ask(server, **block, serverPublicKey="request").caution == ""
        seen = _ask(server, **block)
    assert (seen.reason, script.fast_logins) == (Reason.OK, 1)
    assert "by its cache alone" in seen.caution


def test_a_key_of_the_file_is_believed_and_no_other(tmp_path: Path, password: bytes, password_file: str) -> None:
    """The server is not asked for one; a password for another key is of no use to it."""
    script = CachingSha2(password)
    (tmp_path / "right.pem").write_bytes(script.public_key())
    (tmp_path / "wrong.pem").write_bytes(CachingSha2(password).public_key())
    block: dict[str, Any] = {"user": "probe", "passwordFile": password_file}
    with rogue(script) as server:
        seen = _ask(server, **block, serverPublicKey=str(tmp_path / "right.pem"))
        assert (seen.reason, seen.caution, script.keys_sent) == (Reason.OK, "", 0)
        seen = _ask(server, **block, serverPublicKey=str(tmp_path / "gone.pem"))
        assert seen.reason is Reason.LOCAL
        assert "gone.pem" in seen.message
        seen = _ask(server, **block, serverPublicKey=password_file)
        assert (seen.reason, seen.message) == (Reason.LOCAL, f"{password_file}: holds no public key in PEM")
    with rogue(CachingSha2(password)) as server:
        seen = _ask(server, **block, serverPublicKey=str(tmp_path / "wrong.pem"))
        assert seen.reason is not Reason.OK


def test_caching_sha2_password_refuses_a_wrong_password(password_file: str) -> None:
    """An unknown outcome: our password is wrong, the host may be well."""
    with rogue(CachingSha2(b"another password")) as server:
        seen = _ask(server, user="probe", passwordFile=password_file, serverPublicKey="request")
        assert (seen.reason, seen.message) == (Reason.AUTH, "1045: Access denied for user")


def test_caching_sha2_password_under_tls(tmp_path: Path, password: bytes, password_file: str) -> None:
    """Under TLS the password goes as it is, encrypted by TLS alone."""
    files = issue(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    script = CachingSha2(password, tls=context)
    with rogue(script) as server:
        tls = {"caFile": str(files.authority)}
        seen = [_ask(server, user="probe", passwordFile=password_file, tls=tls) for _ in range(2)]
    assert [one.reason for one in seen] == [Reason.OK] * 2
    assert (script.full_logins, script.fast_logins) == (1, 1)


def test_a_password_of_any_bytes_logs_in(tmp_path: Path) -> None:
    """Passwords are bytes; characters outside Latin-1 are no trouble."""
    secret = "пароль-密码".encode()
    (tmp_path / "password").write_bytes(secret)
    with rogue(CachingSha2(secret)) as server:
        block: dict[str, Any] = {"user": "probe", "passwordFile": str(tmp_path / "password")}
        assert _ask(server, **block, serverPublicKey="request").reason is Reason.OK


def test_a_proxy_that_reaches_no_server_fails_by_itself() -> None:
    """A stand-in for ProxySQL: it greets and takes the login itself, and has nobody to ask. What two proxies with the
    same servers say alike is still theirs.
    """
    text = "Max connect timeout reached"

    def proxy(peer: Peer) -> None:
        for answer in (packets.greeting(), packets.ok(2), packets.error(9001, text, 1)):
            peer.send(answer)
            peer.receive_packet()

    with rogue(proxy) as server:
        seen = _ask(server, user="probe")
    assert (seen.reason, seen.message, seen.cause) == (Reason.PROTOCOL, f"9001: {text}", "")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_a_probe_raise_or_pass(data: bytes) -> None:
    """Noise is never a sound server."""
    with rogue(says_and_hangs_up(data)) as server:
        assert _ask(server).reason is not Reason.OK


SOUND = packets.greeting() + packets.ok(2) + packets.result("1")


@settings(max_examples=200, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 3) | st.just(0),
)
def test_no_damage_makes_a_probe_raise_or_pass_without_its_answer(changes: list[tuple[int, int]], cut: int) -> None:
    """A sound conversation with some bytes changed or its end missing passes only with the right row still in it."""
    data = bytearray(SOUND)
    for place, value in changes:
        data[place] = value
    said = bytes(data[: len(data) - cut * 5])
    with rogue(says_and_hangs_up(said)) as server:
        seen = _ask(server, user="probe")
    assert seen.reason is not Reason.OK or b"\x011" in said
