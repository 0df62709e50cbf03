"""smallinvoice API v1."""
