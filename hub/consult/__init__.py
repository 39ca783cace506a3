"""Consultation: encounters, advice and what the crew says to it."""

from hub.consult.consult import Consult
from hub.consult.routes import consult_router

__all__ = ["Consult", "consult_router"]
