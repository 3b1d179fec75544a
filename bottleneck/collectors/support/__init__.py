"""What several collectors share; loaded inside the user's process."""
