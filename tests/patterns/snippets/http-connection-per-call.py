# slow
# below: get requests/api.py, request requests/sessions.py, connect urllib3/connection.py, create_connection urllib3/util/connection.py
# known: handler=True
import requests

def price(symbol):
    return requests.get(f"http://quotes/{symbol}").json()  # hot
# slow
# below: get requests/api.py, request requests/sessions.py, connect urllib3/connection.py, do_handshake ssl.py
import requests

def prices(symbols):
    for symbol in symbols:
        answer = requests.get(f"https://quotes/{symbol}")  # hot
# exempt: a session
# below: get requests/sessions.py, request requests/sessions.py, do_handshake ssl.py
# known: handler=True
import requests

session = requests.Session()

def price(symbol):
    return session.get(f"https://quotes/{symbol}")  # hot
# exempt: it waits for the answer
# below: get requests/api.py, request requests/sessions.py, readinto socket.py
# known: handler=True
import requests

def price(symbol):
    return requests.get(f"https://quotes/{symbol}")  # hot
