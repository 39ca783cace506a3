"""The `goldenhour` command: parses and hands over."""
