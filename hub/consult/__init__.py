"""Consultation: encounters, advice and what the crew says to it."""

from hub.consult.consult import Consult
from hub.consult.formulary import read_formulary
from hub.consult.guest_routes import guest_router
from hub.consult.order_routes import order_router
from hub.consult.picture_routes import picture_router
from hub.consult.room_routes import room_router
from hub.consult.rooms import Rooms
from hub.consult.routes import consult_router

__all__ = [
    "Consult",
    "Rooms",
    "consult_router",
    "guest_router",
    "order_router",
    "picture_router",
    "read_formulary",
    "room_router",
]
