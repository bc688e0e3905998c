"""The version, in one place: packaging reads it from here, and so do the wire headers."""

__version__ = "0.1.0"
