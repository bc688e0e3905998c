"""A real browser for the dashboard's tests: Chromium without a window, led by its driver."""
