"""Memcached, by the question `version`."""

from mooring.protocols.memcached.options import MemcachedOptions
from mooring.protocols.protocol import Protocol

PROTOCOL = Protocol(
    MemcachedOptions,
    "mooring.protocols.memcached.login",
    first_bytes=b"version\r\n",
    ports=(11211,),
    samples_module="mooring.protocols.memcached.samples",
)
