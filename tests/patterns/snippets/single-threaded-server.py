# slow
# above: <module> app.py, serve_forever werkzeug/serving.py, process_request socketserver.py, finish_request socketserver.py, dispatch_request flask/app.py
# below: urlopen urllib/request.py, readinto socket.py
# known: handler=True off_cpu=True
import urllib.request
from flask import Flask
from werkzeug.serving import make_server

app = Flask(__name__)

@app.get("/history")
def history():
    with urllib.request.urlopen("http://store/history") as answer:  # hot
        return answer.read()

def main(threads):
    make_server("127.0.0.1", 8000, app, threaded=threads).serve_forever()  # cause
# slow: what leads to the handler is not known
# known: handler=True off_cpu=True
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.1)  # hot

HTTPServer(("", 8000), Handler).serve_forever()  # cause
# exempt: a thread each
# above: process_request_thread socketserver.py, finish_request socketserver.py, dispatch_request flask/app.py
# known: handler=True off_cpu=True
import time

def history():
    time.sleep(0.1)  # hot
# exempt: it computes
# above: process_request socketserver.py, finish_request socketserver.py
# known: handler=True off_cpu=False
def history():
    return transform(STORE)  # hot
# exempt: Flask uses threads unless told otherwise
# known: handler=True off_cpu=True
import time
from flask import Flask

app = Flask(__name__)

@app.get("/history")
def history():
    time.sleep(0.1)  # hot

app.run(port=8000)
