"""The recorder that runs in the user's process, and the code that injects it."""
