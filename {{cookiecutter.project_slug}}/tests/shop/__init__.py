"""The example's own tests, which go with it."""
