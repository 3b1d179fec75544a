# healthy
# below: run uvicorn/server.py, run asyncio/runners.py, _run_once asyncio/base_events.py, select selectors.py
# known: event_loop=True off_cpu=True
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
async def show():
    return {"ok": True}

uvicorn.run(app, port=8000)  # hot
# healthy
# below: serve_forever werkzeug/serving.py, serve_forever socketserver.py, select selectors.py
# known: off_cpu=True
from werkzeug.serving import make_server

make_server("127.0.0.1", 8000, app, threaded=True).serve_forever()  # hot
