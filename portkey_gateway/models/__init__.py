"""What is known of a model by its name."""
