"""The crew's voice: the tablet's sound through the agent to the hub and back."""

from edge_agent.voice.desk import VoiceDesk

__all__ = ["VoiceDesk"]
