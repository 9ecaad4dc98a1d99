"""The table of resources: from it come the routes, OPTIONS, the OpenAPI document and the capabilities."""
