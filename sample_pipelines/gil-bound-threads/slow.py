"""Stem the words of many texts in four threads: pure Python, so the threads take turns at one core."""

import re
from concurrent.futures import ThreadPoolExecutor

SUFFIXES = ("ing", "ed", "es", "s", "ly")
TEXT = "the quick foxes jumped lazily over sleeping dogs while the cats watched them quietly "


def stem(word):
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) > len(suffix) + 2:
            return word[: -len(suffix)]
    return word


def count_stems(text):
    counts = {}
    for word in re.findall(r"[a-z]+", text.lower()):
        root = stem(word)
        counts[root] = counts.get(root, 0) + 1
    return counts


def main():
    texts = [f"{TEXT}number {i} " * 700 for i in range(600)]
    with ThreadPoolExecutor(4) as pool:
        counted = list(pool.map(count_stems, texts))
    total = {}
    for counts in counted:
        for root, count in counts.items():
            total[root] = total.get(root, 0) + count
    print(len(total), sum(total.values()))


if __name__ == "__main__":
    main()
