"""The demo: a whole small city on one machine, every program started as a user would start it."""
