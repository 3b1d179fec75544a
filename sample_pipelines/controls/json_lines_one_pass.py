"""Events of several kinds as JSON lines, each kind with fields of its own: read in a single pass, and counted."""

import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np


def write_events(path, days=60):
    random = np.random.default_rng(0)
    events = []
    for user, number in random.integers(0, 900, (4000, 2)).tolist():
        events.append({"kind": "view", "user": user, "page": f"/item/{number}"})
        events.append({"kind": "search", "user": user, "words": ["red", "shoes"], "found": number})
        events.append({"kind": "order", "user": user, "items": [{"id": number, "price": number % 97}] * (number % 4)})
    day = "".join(json.dumps(event) + "\n" for event in events)
    with open(path, "w") as file:
        file.writelines(day for _ in range(days))


def main():
    with tempfile.TemporaryDirectory(prefix="events-") as folder:
        path = Path(folder) / "events.jsonl"
        write_events(path)
        spent, pages, words = defaultdict(int), Counter(), Counter()
        with open(path) as file:
            for line in file:
                event = json.loads(line)
                if event["kind"] == "view":
                    pages[event["page"]] += 1
                elif event["kind"] == "search":
                    words.update(event["words"])
                elif event["kind"] == "order":
                    spent[event["user"]] += sum(item["price"] for item in event["items"])
    print(pages.most_common(2), words.most_common(2), max(spent.values()))


if __name__ == "__main__":
    main()
