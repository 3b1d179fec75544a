"""A lexer of nested comments and quotes, which no regular expression can split: its loop over characters has to run."""

from collections import Counter

LINE = "let total_{0} = sum(items, 'of all (* no comment *)') (* a (* nested {0} *) note *) + {0};\n"


def words(text):
    """The words of a text; what is in quotes is one word, and comments, which nest, are none."""
    depth, quoted, word = 0, False, []
    for before, letter in zip(" " + text, text, strict=False):
        if quoted:
            word.append(letter)
            quoted = letter != "'"
        elif before + letter == "(*":
            depth, word = depth + 1, []
        elif before + letter == "*)":
            depth -= 1
        elif depth:
            continue
        elif letter.isalnum() or letter in "_'":
            quoted = letter == "'"
            word.append(letter)
        elif word:
            yield "".join(word)
            word = []


def main():
    counted = Counter()
    for begin in range(0, 180_000, 2000):
        counted.update(words("".join(LINE.format(number) for number in range(begin, begin + 2000))))
    print(f"{counted.total()} words, {len(counted)} of them different")


if __name__ == "__main__":
    main()
