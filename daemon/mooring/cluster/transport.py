"""Connections to an API server that know the call they serve: nothing is sent after its end."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from mooring.cluster.deadline import Call

_sending = threading.local()


def sends(call: Call) -> None:
    """From here on this thread sends for that call: the library has no place to hand it in."""
    _sending.call = call


class _Connection(HTTPConnection):
    def send(self, data: Any) -> None:
        # A process that was stopped just before must not write with what it knew then.
        _sending.call.goes_on()
        super().send(data)

    def getresponse(self) -> Any:
        _sending.call.reads(self.sock)
        return super().getresponse()


class _TlsConnection(HTTPSConnection):
    def send(self, data: Any) -> None:
        _sending.call.goes_on()
        super().send(data)

    def getresponse(self) -> Any:
        _sending.call.reads(self.sock)
        return super().getresponse()


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS: Mapping[str, type[urllib3.HTTPConnectionPool]] = MappingProxyType({"http": _Pool, "https": _TlsPool})
