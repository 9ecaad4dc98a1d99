"""The three methods: from requests to documents and errors."""
