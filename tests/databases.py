"""Fresh PostgreSQL databases for tests: made from a template in some 30 ms, dropped afterwards."""

import contextlib
import itertools
import os
from collections.abc import Iterator

import psycopg
from sqlalchemy import make_url

_numbers = itertools.count(1)


@contextlib.contextmanager
def fresh_database(server_url: str, template: str = "template0") -> Iterator[str]:
    """A new database on the server, as a copy of `template`; gives its URL."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    _run(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _run(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement.encode())
