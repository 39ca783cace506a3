"""What the command says and returns when it fails: one sentence, and one of few exit statuses."""

from typing import Final

from protocols.errors import EXIT_CONFIG, ConfigError, FleetError

EXIT_FAILED: Final = 1
"""The work was begun and did not succeed."""

EXIT_USAGE: Final = 2
"""The command line itself was wrong."""

EXIT_INTERRUPTED: Final = 130
"""Ended by Ctrl-C where that is not the ordinary end. Source: 128 + SIGINT."""

EXITS_HELP: Final = (
    "Exit status: 0 done; 1 failed; 2 wrong usage; 78 a setting, file or port is wrong."
)
"""The line that every command's help carries."""


def leaf_of(err: BaseException) -> FleetError | None:
    """Return the first error of ours in `err`, a configuration error before any other."""
    if isinstance(err, FleetError):
        return err
    if not isinstance(err, BaseExceptionGroup):
        return None
    leaves = [leaf for inner in err.exceptions if (leaf := leaf_of(inner)) is not None]
    return next(
        (leaf for leaf in leaves if isinstance(leaf, ConfigError)), next(iter(leaves), None)
    )


def sentence_of(err: BaseException) -> str | None:
    """Return one sentence that tells a person what is wrong; None if `err` is a bug, not ours.

    The fact `reason` comes first; the other facts follow in brackets.
    """
    leaf = leaf_of(err)
    if leaf is None:
        return None
    facts = dict(leaf.facts)
    reason = str(facts.pop("reason", leaf.code)).rstrip(".")
    rest = ", ".join(f"{key} {value}" for key, value in facts.items())
    return f"{reason} ({rest})." if rest else f"{reason}."


def exit_status_of(err: BaseException) -> int:
    """Return the exit status that `err` deserves."""
    return EXIT_CONFIG if isinstance(leaf_of(err), ConfigError) else EXIT_FAILED
