"""What both ends know of dispatch: the unit's status and the time nodes of a run."""
