"""Code shared by several collectors; loaded inside the user's process."""
