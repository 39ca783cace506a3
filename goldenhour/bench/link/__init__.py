"""The link under load, part by part, beside what a user would otherwise pick."""

from goldenhour.bench.link.measure import PARTS, Part, measure, picture

__all__ = ["PARTS", "Part", "measure", "picture"]
