"""Teams that crews may ring, who is in them, and which unit knows which list of them."""

from dataclasses import dataclass

from hub.store.database import Asked, Connection, Pool
from protocols.errors import NotFoundError
from protocols.ids import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """One team; each of `steps` rings together, one after the other."""

    team_id: str
    name: str
    kind: str
    organisation: str
    steps: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Somebody who may be rung; `step` within what was rung."""

    username: str
    name: str
    organisation: str
    step: int = 0


async def put(pool: Pool, team: Team) -> None:
    """Add a team, or change the one of that id.

    Raises:
        NotFoundError: a member is no doctor who may sign in; nothing has changed.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO team VALUES ($1, $2, $3, $4) ON CONFLICT (team_id)"
            " DO UPDATE SET name = $2, kind = $3, organisation = $4",
            team.team_id,
            team.name,
            team.kind,
            team.organisation,
        )
        await connection.execute("DELETE FROM team_member WHERE team_id = $1", team.team_id)
        for step, members in enumerate(team.steps):
            for username in members:
                done = await connection.execute(
                    "INSERT INTO team_member SELECT $1, username, $3 FROM account"
                    " WHERE username = $2 AND role = 'doctor' AND disabled_utc_us IS NULL"
                    " ON CONFLICT DO NOTHING",
                    team.team_id,
                    username,
                    step,
                )
                if done.endswith(" 0") and not await _is_member(connection, team, username):
                    raise NotFoundError(what="doctor", username=username)


async def remove(pool: Pool, team_id: str) -> None:
    """Forget a team.

    Raises:
        NotFoundError: there is none of that id.
    """
    done = await pool.execute("DELETE FROM team WHERE team_id = $1", team_id)
    if done.endswith(" 0"):
        raise NotFoundError(what="team", team_id=team_id)


async def listed(asked: Asked) -> list[Team]:
    """Return every team, by name."""
    rows = await asked.fetch("SELECT * FROM team ORDER BY name, team_id LIMIT 100")
    members = await asked.fetch("SELECT * FROM team_member ORDER BY step, username")
    found = []
    for row in rows:
        mine = [one for one in members if one["team_id"] == row["team_id"]]
        steps = sorted({one["step"] for one in mine})
        found.append(
            Team(
                team_id=row["team_id"],
                name=row["name"],
                kind=row["kind"],
                organisation=row["organisation"],
                steps=tuple(
                    tuple(one["username"] for one in mine if one["step"] == step) for step in steps
                ),
            )
        )
    return found


async def doctors(asked: Asked, *, organisation: str | None = None) -> list[Doctor]:
    """Return the doctors who may sign in, of one organisation or of all, by name."""
    rows = await asked.fetch(
        "SELECT username, display_name, organisation FROM account WHERE role = 'doctor'"
        " AND disabled_utc_us IS NULL AND ($1::text IS NULL OR organisation = $1)"
        " ORDER BY display_name, username LIMIT 200",
        organisation,
    )
    return [Doctor(username=row[0], name=row[1], organisation=row[2]) for row in rows]


async def doctor(asked: Asked, username: str) -> list[Doctor]:
    """Return the doctor of that name, if there is one who may sign in."""
    return [one for one in await doctors(asked) if one.username == username]


async def of_team(asked: Asked, team_id: str) -> tuple[str, list[Doctor]]:
    """Return a team's name and its doctors who may sign in, each with their step.

    Raises:
        NotFoundError: there is no such team.
    """
    name = await asked.fetchval("SELECT name FROM team WHERE team_id = $1", team_id)
    if name is None:
        raise NotFoundError(what="team", team_id=team_id)
    rows = await asked.fetch(
        "SELECT a.username, a.display_name, a.organisation, m.step FROM team_member m"
        " JOIN account a USING (username) WHERE m.team_id = $1 AND a.role = 'doctor'"
        " AND a.disabled_utc_us IS NULL ORDER BY m.step, a.display_name LIMIT 60",
        team_id,
    )
    return name, [
        Doctor(username=row[0], name=row[1], organisation=row[2], step=row[3]) for row in rows
    ]


async def told_digest(connection: Connection, unit: UnitId) -> bytes | None:
    """Return which list `unit` was last told."""
    found = await connection.fetchval("SELECT digest FROM directory_told WHERE unit = $1", unit)
    return None if found is None else bytes(found)


async def note_told(connection: Connection, unit: UnitId, digest: bytes) -> None:
    """Note that `unit` has been told a list."""
    await connection.execute(
        "INSERT INTO directory_told VALUES ($1, $2) ON CONFLICT (unit) DO UPDATE SET digest = $2",
        unit,
        digest,
    )


async def _is_member(connection: Connection, team: Team, username: str) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM team_member WHERE team_id = $1 AND username = $2)",
            team.team_id,
            username,
        )
    )
