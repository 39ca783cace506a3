"""Orders in the vehicle: read from the journal's inbox, answered once, never carried out late."""

from edge_agent.orders.desk import OrderDesk
from edge_agent.orders.hub import HubPictures
from edge_agent.orders.pictures import Pictures

__all__ = ["HubPictures", "OrderDesk", "Pictures"]
