# slow
# below: info logging/__init__.py, _log logging/__init__.py, handle logging/__init__.py, emit logging/__init__.py, flush logging/__init__.py
# known: event_loop=True handler=True
import logging

log = logging.getLogger(__name__)

async def ask(question):
    log.info("question %s", question)  # hot
    return await answer(question)
# exempt: not a request
# below: info logging/__init__.py, emit logging/__init__.py
import logging

def work(items):
    for item in items:
        logging.info("item %s", item)  # hot
