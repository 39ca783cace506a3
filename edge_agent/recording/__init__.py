"""Video kept on the vehicle: short segments of the very pictures that go out live, and an index.

Nothing is imported here: an agent without cameras needs neither the extra `video` nor its memory.
"""
