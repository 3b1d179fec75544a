# slow
# below: __init__ httpx/_client.py, _init_transport httpx/_client.py, create_ssl_context httpx/_config.py, create_default_context ssl.py
# known: handler=True
import httpx

def price(symbol):
    with httpx.Client() as client:  # hot
        return client.get(f"https://quotes/{symbol}").json()
# slow
# below: __init__ openai/_client.py, __init__ httpx/_client.py, create_ssl_context httpx/_config.py, create_default_context ssl.py
# known: handler=True
import openai

def ask(question):
    client = openai.OpenAI()  # hot
    return client.responses.create(input=question)
# exempt: cached
# below: __init__ httpx/_client.py, create_ssl_context httpx/_config.py
# known: handler=True
import functools
import httpx

@functools.cache
def client():
    return httpx.Client()  # hot
# exempt: at start-up
# below: __init__ httpx/_client.py, create_ssl_context httpx/_config.py
import httpx

CLIENT = httpx.Client()  # hot
