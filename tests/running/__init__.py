"""Programs under test, started as a user starts them."""
