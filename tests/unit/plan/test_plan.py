"""plan: the one write that is needed, refused or not, and how it reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import KEY, PORTS, stored
from mooring.model.objects import EndpointsWrite, Refusal, StoredEndpoints, Subset
from mooring.model.spec import Adopt, Port
from mooring.plan.plan import endpoints_diff, plan, port_line, removed_addresses

A, B, C = "10.20.0.9", "10.20.0.11", "10.20.0.12"
LISTED = frozenset({A, B})
WANTED = (Subset((A,), (B,), PORTS),)
IF_LISTED, REPLACE = Adopt.IF_LISTED, Adopt.REPLACE


def decide(before: StoredEndpoints | None, adopt: Adopt = IF_LISTED) -> EndpointsWrite | Refusal | None:
    return plan(KEY, LISTED, adopt, before, WANTED)


def subsets(*each: Subset) -> StoredEndpoints:
    return replace(stored(), subsets=each)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(subsets(*WANTED), id="the same"),
        pytest.param(subsets(Subset((A,), (), PORTS), Subset((), (B,), PORTS)), id="cut otherwise"),
        pytest.param(subsets(Subset((A, A), (B,), PORTS * 2)), id="said twice"),
    ],
)
@pytest.mark.parametrize("adopt", Adopt)
def test_equal_content_is_not_written(before: StoredEndpoints, adopt: Adopt) -> None:
    """An object that says the same already is never written."""
    assert decide(before, adopt) is None


def test_order_is_no_difference() -> None:
    """Addresses and ports in another order are the same content."""
    ports = (*PORTS, Port("x", 33060))
    before = subsets(Subset((B, A), (), ports[::-1]))
    assert plan(KEY, LISTED, IF_LISTED, before, (Subset((A, B), (), ports),)) is None


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(None, id="missing"),
        pytest.param(subsets(), id="empty"),
        pytest.param(subsets(Subset((B,), (A,), PORTS)), id="lists swapped"),
        pytest.param(subsets(Subset((A,), (B,), (Port("mysql", 3307),))), id="another port"),
        pytest.param(subsets(Subset((A,), (B,), (Port("", 3306),))), id="another port name"),
        pytest.param(subsets(Subset((A, C), (B,), PORTS)), id="a stranger in our own object"),
        pytest.param(subsets(*WANTED, Subset((C,), (), ())), id="a stranger in a subset of its own"),
        pytest.param(stored((A,), (B,), managed=False), id="equal, made by hand"),
        pytest.param(stored((B, A), managed=False), id="by hand, all listed"),
        pytest.param(stored((A,), (C,), managed=False), id="by hand, a stranger that is not ready"),
    ],
)
def test_a_difference_is_one_change_on_what_was_read(before: StoredEndpoints | None) -> None:
    """Whatever differs is put right by a single write whose precondition is the object that was read."""
    assert decide(before) == EndpointsWrite(KEY, before, WANTED)


def test_an_object_made_by_hand_with_strangers_is_refused() -> None:
    """Mooring does not remove ready addresses of somebody else: the refusal names them and both ways out."""
    assert decide(stored((A, C, "10.20.0.100"), managed=False)) == Refusal(
        "was not made by Mooring and holds ready addresses that the file does not list: 10.20.0.12, 10.20.0.100. "
        "List them under hosts, or set adopt: replace to have them removed"
    )


def test_a_refusal_stays_readable() -> None:
    """A refusal over a thousand addresses names a few and counts the others."""
    refusal = decide(stored(tuple(f"10.9.{n}.1" for n in range(100)), managed=False))
    assert isinstance(refusal, Refusal)
    assert "10.9.7.1 and 92 more. List" in refusal.why


def test_adopt_replace_takes_over_what_is_there() -> None:
    """With adopt: replace the write takes over any object."""
    before = stored((C,), managed=False)
    assert decide(before, REPLACE) == EndpointsWrite(KEY, before, WANTED)


@pytest.mark.parametrize(
    ("before", "leaving"),
    [
        pytest.param(None, (), id="created"),
        pytest.param(stored((A, B)), (), id="a host that is only not ready any more"),
        pytest.param(stored((C, B), ("10.20.0.1",)), ("10.20.0.1", C), id="strangers of both lists"),
    ],
)
def test_removed_are_those_in_no_list_any_more(before: StoredEndpoints | None, leaving: tuple[str, ...]) -> None:
    """Addresses that leave the object altogether can be named one by one."""
    assert removed_addresses(EndpointsWrite(KEY, before, WANTED)) == leaving


def test_a_change_reads_as_a_diff() -> None:
    """Plan and dry run show exactly which address moves to which list."""
    assert endpoints_diff(EndpointsWrite(KEY, stored((A, B)), WANTED)) == (
        "--- default/mysql-external (stored)\n"
        "+++ default/mysql-external (wanted)\n"
        "@@ -1,9 +1,10 @@\n"
        " namespace: default\n"
        " name: mysql-external\n"
        " managed-by: mooring\n"
        " subsets:\n"
        " - addresses:\n"
        "   - 10.20.0.9\n"
        "+  notReadyAddresses:\n"
        "   - 10.20.0.11\n"
        "   ports:\n"
        "   - mysql: 3306/TCP\n"
    )


def test_a_new_object_reads_as_all_added() -> None:
    """A missing object is shown as created, line by line."""
    lines = endpoints_diff(EndpointsWrite(KEY, None, WANTED)).splitlines()
    assert lines[:3] == ["--- /dev/null", "+++ default/mysql-external (wanted)", "@@ -0,0 +1,10 @@"]
    assert all(line.startswith("+") for line in lines[3:])


def test_an_adoption_reads_as_our_label() -> None:
    """Adopting an object that is right already shows the one line that changes."""
    changed = endpoints_diff(EndpointsWrite(KEY, stored((A,), (B,), managed=False), WANTED)).splitlines()[3:]
    assert [line for line in changed if line[0] in "+-"] == ["+managed-by: mooring"]


def test_subsets_and_ports_without_a_name_read_well() -> None:
    """Objects made by hand may have no port name, no ports, several subsets or none at all."""
    before = replace(stored(managed=False), subsets=(Subset((), (C,), (Port("", 53, "UDP"),)), Subset((A,), (), ())))
    text = endpoints_diff(EndpointsWrite(KEY, before, ()))
    assert [line for line in text.splitlines() if line.startswith("-")][1:] == [
        "-subsets:",
        "-- notReadyAddresses:",
        "-  - 10.20.0.12",
        "-  ports:",
        "-  - 53/UDP",
        "-- addresses:",
        "-  - 10.20.0.9",
    ]
    assert "+subsets: []" in text


def test_a_port_without_a_name_has_none_in_a_diff() -> None:
    """A Service of one port needs no name for it; its protocol is no name."""
    assert port_line(Port("", 3306)) == "3306/TCP"
    assert port_line(Port("mysql", 3306)) == "mysql: 3306/TCP"
