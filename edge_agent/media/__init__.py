"""Video from the vehicle: cameras read, encoded once, published to the hub by WHIP.

Nothing is imported here: an agent without cameras needs neither the extra `video` nor its memory.
"""
