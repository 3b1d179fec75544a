# slow
import queue

def drain(events, closing, write):
    batch = []
    while not closing.is_set():
        try:
            batch.append(events.get_nowait())
        except queue.Empty:
            pass
        if len(batch) >= 100:  # hot
            write(batch)
            batch = []
# slow
def until_done(process):
    while process.poll() is None:  # hot
        pass
# exempt: it sleeps between two questions
import queue, time

def drain(events, closing, write):
    while not closing.is_set():
        try:
            write(events.get_nowait())  # hot
        except queue.Empty:
            time.sleep(0.01)
# exempt: it works until there is nothing left
import queue

def drain(events, work):
    while True:
        try:
            work(events.get_nowait())  # hot
        except queue.Empty:
            break
# exempt: each pass has work of its own, and looks for news in passing
import queue

def play(events, world):
    while not world.over:
        try:
            world.steer(events.get_nowait())
        except queue.Empty:
            pass
        world.advance()  # hot
# exempt: it empties the queue and ends
import queue

def drain(events, work):
    while not events.empty():
        try:
            event = events.get_nowait()
        except queue.Empty:
            continue
        work(event)  # hot
# exempt: what it got is worked on
# below: work user.py
import queue

def serve(events, closing, work):
    while not closing.is_set():
        try:
            event = events.get_nowait()
        except queue.Empty:
            continue
        work(event)  # hot
