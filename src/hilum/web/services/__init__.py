"""Handlers, one file a service."""
