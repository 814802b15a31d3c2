"""What is said, in our own words and nobody's wire: requests, content, answers, usage."""
