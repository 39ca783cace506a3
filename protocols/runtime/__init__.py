"""The one impure corner of `protocols`: the clock, logs, supervision, settings from outside."""
