"""From the answers of the detectors to one Diagnosis: laws, ranking, headline, view."""
