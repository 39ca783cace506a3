"""Distance, geofence, rings, and the one place where WGS-84 meets GCJ-02."""
