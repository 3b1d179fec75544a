# slow
# below: convert PIL/Image.py, load PIL/ImageFile.py
# known: event_loop=True handler=True
import io
from PIL import Image

async def upload(file):
    image = Image.open(io.BytesIO(await file.read())).convert("RGB")  # hot
    return image.size
# exempt: in a thread
# below: convert PIL/Image.py, load PIL/ImageFile.py
# known: handler=True
import io
from PIL import Image

def upload(data):
    return Image.open(io.BytesIO(data)).convert("RGB")  # hot
