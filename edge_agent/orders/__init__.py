"""Orders in the vehicle: read from the journal's inbox, answered once, never carried out late."""

from edge_agent.orders.desk import OrderDesk

__all__ = ["OrderDesk"]
