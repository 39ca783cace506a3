"""A picture of figures: bars, drawn as SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 760
_LABEL: Final = 330
_ROW: Final = 30
_TOP: Final = 56
_OURS, _OTHERS, _BAR = "#0b6e99", "#b9c4cc", "#c0392b"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `is_ours` has the strong colour."""

    label: str
    value: float
    is_ours: bool = False


def bars(title: str, unit: str, rows: Sequence[Bar], *, limit: float | None, note: str) -> str:
    """Return the picture; `limit` is drawn as a line, `note` stands below."""
    most = max([row.value for row in rows] + ([limit] if limit else [])) * 1.15 or 1.0
    scale = (WIDTH - _LABEL - 90) / most
    bottom = _TOP + _ROW * len(rows)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 44}"'
            ' font-family="system-ui, sans-serif" font-size="13">'
        ),
        f'<rect width="{WIDTH}" height="{bottom + 44}" fill="#ffffff"/>',
        f'<text x="16" y="28" font-size="16" font-weight="600">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        y = _TOP + _ROW * number
        long = max(1.0, row.value * scale)
        weight = ' font-weight="600"' if row.is_ours else ""
        parts += [
            (
                f'<text x="{_LABEL - 10}" y="{y + 17}" text-anchor="end"{weight}>'
                f"{escape(row.label)}</text>"
            ),
            (
                f'<rect x="{_LABEL}" y="{y + 4}" width="{long:.1f}" height="{_ROW - 10}" rx="2"'
                f' fill="{_OURS if row.is_ours else _OTHERS}"/>'
            ),
            (
                f'<text x="{_LABEL + long + 6:.1f}" y="{y + 17}"{weight}>'
                f"{row.value:.3g} {escape(unit)}</text>"
            ),
        ]
    if limit is not None:
        x = _LABEL + limit * scale
        parts.append(
            f'<line x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{bottom}" stroke="{_BAR}"'
            ' stroke-dasharray="4 3"/>'
            f'<text x="{x:.1f}" y="{_TOP - 10}" text-anchor="middle" fill="{_BAR}">'
            f"{limit:.3g} {escape(unit)}</text>"
        )
    parts += [
        f'<text x="16" y="{bottom + 28}" font-size="11" fill="#5a6872">{escape(note)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
