"""What the hub's API and the vehicle's tablet share of HTTP: server, gate, errors, pages."""
