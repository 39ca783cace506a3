"""Dispatch at the hub: orders to vehicles."""

from hub.dispatch.orders import Orders, new_order_id

__all__ = ["Orders", "new_order_id"]
