"""What is looked up once, right after a run: the user's source, the files that were read, traces."""
