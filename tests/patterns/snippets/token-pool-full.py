# slow
# below: readinto socket.py
# known: handler=True pool_full=True off_cpu=True
def ask(question):
    return client.ask(question)  # hot
# exempt: there are threads left
# known: handler=True pool_full=False off_cpu=True
def ask(question):
    return client.ask(question)  # hot
