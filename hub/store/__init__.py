"""The hub's store: PostgreSQL. One module per aggregate; SQL stays in this folder."""

from hub.store.builtin import BuiltInPostgres
from hub.store.database import Pool, migrate, open_pool

__all__ = ["BuiltInPostgres", "Pool", "migrate", "open_pool"]
