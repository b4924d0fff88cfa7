"""What the caching package promises, proved on real servers: once per backend."""
