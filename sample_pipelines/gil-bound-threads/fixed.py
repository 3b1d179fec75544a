"""Stem the words of many texts in processes, each on a core of its own."""

import re
from concurrent.futures import ProcessPoolExecutor

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
    with ProcessPoolExecutor(2) as pool:
        counted = list(pool.map(count_stems, texts, chunksize=20))
    total = {}
    for counts in counted:
        for root, count in counts.items():
            total[root] = total.get(root, 0) + count
    print(len(total), sum(total.values()))


if __name__ == "__main__":
    main()
