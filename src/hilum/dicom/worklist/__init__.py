"""Workitems (Unified Procedure Steps): states, attribute requirements, payloads and event reports."""
