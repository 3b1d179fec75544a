# slow
# below: get /usr/lib/python3.11/<string>, _callmethod /usr/lib/python3.11/multiprocessing/managers.py
def count(words, shared):
    for word in words:
        shared[word] = shared.get(word, 0) + 1  # hot
# exempt: once for each task
# below: append /usr/lib/python3.11/<string>, _callmethod /usr/lib/python3.11/multiprocessing/managers.py
def finish(shared, part):
    shared.append(part)  # hot
