"""The schema, as numbered SQL files; 0020–0029 belong to consultation, 0030–0039 to hand-off."""
