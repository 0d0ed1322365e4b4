"""MySQL and MariaDB."""

from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.protocol import Protocol

PROTOCOL = Protocol(
    MysqlOptions,
    "mooring.protocols.mysql.login",
    speaks_first=True,
    ports=(3306,),
    kill_grant="`PROCESS` and `CONNECTION ADMIN` on all (MySQL: `CONNECTION_ADMIN`, MySQL 5.7: `SUPER`)",
    example=(
        "user: mooring # CREATE USER 'mooring'@'…' IDENTIFIED BY '…'; a role needs grants",
        "passwordFile: /etc/mooring/secrets/mysql-password # never a password in this file",
        "# tls: {mode: verify-identity, caFile: /etc/mooring/tls/ca.crt}",
    ),
    samples_module="mooring.protocols.mysql.samples",
)
