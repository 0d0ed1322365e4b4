"""What of this machine's pip is handed to a pip inside an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import pip

LISTED = """\
:env:.find-links='/a/folder/here'
:env:.index-url='https://second.example/simple'
global.cert='/somewhere/here.pem'
global.index-url='https://first.example/simple'
install.timeout='30'
"""


def test_only_what_holds_elsewhere_is_handed_on() -> None:
    """Folders and files of this machine stay here; the environment has the last word, as in pip."""
    assert pip.settings(LISTED) == {"index-url": "https://second.example/simple", "timeout": "30"}


@pytest.mark.parametrize(("named", "found"), [("PIP_CERT", "mine"), ("SSL_CERT_FILE", "mine"), ("PATH", "system")])
def test_the_authorities_that_a_variable_names_come_first(
    named: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the system's; a file that is not there is passed over."""
    for name in ("mine", "system"):
        (tmp_path / name).touch()
    monkeypatch.setattr(pip, "_SYSTEM", str(tmp_path / "system"))
    env = {"REQUESTS_CA_BUNDLE": str(tmp_path / "gone"), named: str(tmp_path / "mine")}
    assert pip.authorities(env) == tmp_path / found
