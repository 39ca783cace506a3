"""The hub's HTTP API: routes only, one file for each aggregate; the composition is `hub.app`."""
