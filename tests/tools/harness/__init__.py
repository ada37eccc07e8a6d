"""Starts the local stack, deploys into it and stops it. Standard library only."""
