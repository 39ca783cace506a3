"""The hub: broker, ingest, store, live feed, consultation, hand-off and the API."""
