"""What the sessions package promises, proved on real servers: once per store."""
