"""Clinical scores and rules: pure, deterministic, each with its source and edition."""
