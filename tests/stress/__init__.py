"""Processes of one user on one keyring, killed at random; see `kills` for how to run them."""
