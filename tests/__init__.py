"""The tests; run them with ``python -m pytest``."""
