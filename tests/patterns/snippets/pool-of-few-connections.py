# slow
# known: off_cpu=True share=0.9
# below: request urllib3/poolmanager.py, urlopen urllib3/connectionpool.py, _get_conn urllib3/connectionpool.py, get queue.py, wait threading.py
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
import urllib3

HTTP = urllib3.PoolManager(maxsize=1, block=True)

def fetch(url):
    return HTTP.request("GET", url).data  # hot
# exempt: it waits for the answer, and not for a connection
# known: off_cpu=True share=0.9
# below: request urllib3/poolmanager.py, urlopen urllib3/connectionpool.py, getresponse urllib3/connection.py, readinto socket.py
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
import urllib3

HTTP = urllib3.PoolManager(maxsize=8, block=True)

def fetch(url):
    return HTTP.request("GET", url).data  # hot
