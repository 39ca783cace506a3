"""Video from the vehicle: cameras read, encoded once, published to the hub by WHIP."""

from edge_agent.media.hub import HubAccess
from edge_agent.media.service import MediaService
from edge_agent.media.settings import MediaSettings
from edge_agent.media.state import CameraState, CameraStatus

__all__ = ["CameraState", "CameraStatus", "HubAccess", "MediaService", "MediaSettings"]
