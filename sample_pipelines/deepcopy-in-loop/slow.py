"""Writes the invitations to a feast one table at a time: one letter a guest, from a template."""

import copy

GUESTS = 200_000
TEMPLATE = {
    "greeting": "Dear",
    "guest": "",
    "programme": [{"hour": hour, "what": f"course {hour}", "hall": hour % 3} for hour in range(12)],
    "address": {"street": "Mill Lane", "number": 4, "town": "Ely"},
}


def letters(guests):
    written = []
    for guest in guests:
        letter = copy.deepcopy(TEMPLATE)  # planted
        letter["guest"] = f"guest {guest}"
        written.append(str(letter))
    return sum(map(len, written))


def main():
    tables = [range(begin, begin + 1000) for begin in range(0, GUESTS, 1000)]
    size = sum(map(letters, tables))
    print(f"{size} characters for {GUESTS} guests")


if __name__ == "__main__":
    main()
