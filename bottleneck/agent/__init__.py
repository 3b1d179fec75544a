"""In the user's process: the recorder, and how it gets there."""
