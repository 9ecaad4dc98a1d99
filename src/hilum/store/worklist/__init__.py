"""Workitems in the index: rows, searches, subscriptions and the reports of their changes."""
