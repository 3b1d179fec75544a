# slow
# below: send_bytes starlette/websockets.py, send_frame websockets/protocol.py, serialize websockets/frames.py, encode websockets/extensions/permessage_deflate.py
# known: share=0.9
async def watch(websocket, clip):
    while True:
        await websocket.receive_text()
        await websocket.send_bytes(clip.next())  # hot
# slow
# below: send_bytes starlette/websockets.py, frame_outbound wsproto/extensions.py
# known: share=0.3
async def watch(websocket, clip):
    while True:
        await websocket.send_bytes(clip.next())  # hot
# exempt: nothing is compressed
# below: send_bytes starlette/websockets.py, send_frame websockets/protocol.py, serialize websockets/frames.py
# known: share=0.9
async def watch(websocket, clip):
    while True:
        await websocket.send_bytes(clip.next())  # hot
# exempt: a small part of the run
# below: send_text starlette/websockets.py, encode websockets/extensions/permessage_deflate.py
# known: share=0.03
async def chat(websocket):
    async for line in websocket.iter_text():
        await websocket.send_text(line)  # hot
