"""The crew's tablet: a local API and live feed that need no hub, and the crew's screen."""

from edge_agent.tablet.settings import TabletSettings

__all__ = ["TabletSettings"]
