"""The journal's facts: small texts by name, kept in the commit of what they tell of, or apart."""

import sqlite3


def keep(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a fact; the newest counts."""
    connection.execute(
        "INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def kept(connection: sqlite3.Connection, name: str) -> str | None:
    """Return a fact that was kept."""
    row = connection.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def forget(connection: sqlite3.Connection, name: str) -> None:
    """Forget a fact that was kept."""
    connection.execute("DELETE FROM kept WHERE name = ?", (name,))
