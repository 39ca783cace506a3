"""Clinical scores: pure, each with its source and edition, none of which reads missing as zero."""

from protocols.clinical.news2 import News2Inputs, news2
from protocols.clinical.reading import Reading
from protocols.clinical.shock_index import shock_index

__all__ = ["News2Inputs", "Reading", "news2", "shock_index"]
