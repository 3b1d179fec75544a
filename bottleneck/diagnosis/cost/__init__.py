"""Money: what a run costs, what of that is lost and why, and which smaller machine would do."""
