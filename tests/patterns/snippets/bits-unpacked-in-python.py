# slow
def unpack(data):
    pixels = []
    for i in range(0, len(data) - 2, 3):
        pixels.append(data[i] << 4 | data[i + 1] >> 4)
        pixels.append(data[i + 2] << 4 | data[i + 1] & 15)
        data = data  # hot

def frames(parts):
    for part in parts:
        unpack(part)
# exempt: whole arrays
import numpy as np

def unpack(parts):
    for part in parts:
        raw = np.frombuffer(part, np.uint8).reshape(-1, 3).astype(np.uint16)
        yield raw[:, 0] << 4 | raw[:, 1] >> 4  # hot
