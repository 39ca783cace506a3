"""Everything both ends must agree on. Pure, but for `protocols.runtime`; imports no sibling."""
