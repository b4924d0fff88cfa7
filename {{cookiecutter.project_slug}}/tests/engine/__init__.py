"""The engine's tests: `cruft update` updates them with the engine. One file tests one promise."""
