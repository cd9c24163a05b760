"""Training: the door, and the only room that unpacks a `Config` for learning."""
