# slow
# below: render_template_string flask/templating.py, from_string jinja2/environment.py, compile jinja2/environment.py
# known: handler=True
from flask import Flask, render_template_string

app = Flask(__name__)

@app.get("/receipt")
def receipt():
    return render_template_string("<p>{{ order }}</p>", order=1)  # hot
# exempt: compiled once, at the start
# below: from_string jinja2/environment.py, compile jinja2/environment.py
import jinja2

TEMPLATE = jinja2.Environment().from_string("<p>{{ order }}</p>")  # hot
# slow: the server's one thread is no better reason
# below: from_string jinja2/environment.py, compile jinja2/environment.py, _compile jinja2/environment.py
# above: process_request socketserver.py, finish_request socketserver.py
# known: handler=True off_cpu=True
from jinja2 import Environment

class View:
    def template(self):
        return Environment(autoescape=True).from_string(PAGE)  # hot
