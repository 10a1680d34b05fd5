"""One step a format, oldest first."""
