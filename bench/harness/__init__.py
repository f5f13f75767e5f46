"""What bench/run is made of: one module a group of figures."""
