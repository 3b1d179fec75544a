# slow
def work(items):
    for item in items:
        print("done", item)  # hot
# exempt: now and then
def work(items):
    for number, item in enumerate(items):
        if number % 1000 == 0:
            print("done", number)  # hot
# exempt: a few
# known: passes=30
def work(items):
    for item in items:
        print("done", item)  # hot
