"""Each historical component switched, and what it is worth."""
