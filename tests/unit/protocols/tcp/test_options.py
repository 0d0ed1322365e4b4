"""The block ``check.tcp`` of the file."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mooring.protocols.tcp.options import TcpOptions


def test_the_block_has_no_fields() -> None:
    """A `user` or `tls` in it would promise what a TCP connect cannot keep."""
    with pytest.raises(ValidationError):
        TcpOptions.model_validate({"user": "mooring"})


def test_a_tcp_check_reads_no_file_and_has_no_port_of_its_own() -> None:
    """It needs the Service's port, and no secret."""
    options = TcpOptions()
    assert (options.default_port, options.files(), options.encrypted()) == (None, (), False)
