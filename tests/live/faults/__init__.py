"""The fault table: what is done to a living mesh, and what it costs."""
