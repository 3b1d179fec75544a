"""A web server's log, line by line through one compiled expression, straight into counters: a single pass."""

import re
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

LINE = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "(\w+) (\S+) [^"]*" (\d{3}) (\d+)')


def write_log(path, days=300, count=4000):
    random = np.random.default_rng(0)
    hosts, pages = random.integers(0, 250, (count, 2)).tolist(), random.integers(0, 400, count).tolist()
    codes, sizes = random.choice([200, 200, 200, 404, 500], count).tolist(), random.integers(0, 90_000, count).tolist()
    lines = [
        f'10.0.{a}.{b} - - [12/Mar/2024:06:{a % 60:02d}:00 +0000] "GET /page/{page} HTTP/1.1" {code} {size}\n'
        for (a, b), page, code, size in zip(hosts, pages, codes, sizes)
    ]
    with open(path, "w") as file:
        file.writelines("".join(lines) for _ in range(days))


def main():
    with tempfile.TemporaryDirectory(prefix="logs-") as folder:
        path = Path(folder) / "access.log"
        write_log(path)
        codes, sent, failing = Counter(), Counter(), Counter()
        with open(path) as file:
            for line in file:
                match = LINE.match(line)
                if match is None:
                    continue
                host, _, _, page, code, size = match.groups()
                codes[code] += 1
                sent[host] += int(size)
                if code == "500":
                    failing[page] += 1
    print(codes.most_common(), failing.most_common(2), sent.most_common(1))


if __name__ == "__main__":
    main()
