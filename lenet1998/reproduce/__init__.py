"""A variant trained and set beside the published result."""
