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
# slow: a generator, with a name for each byte
import numpy as np

def samples(data):
    for at in range(0, len(data), 3):
        a, b, c = data[at], data[at + 1], data[at + 2]
        yield a | (b & 0x0F) << 8  # hot
        yield (b >> 4) | c << 4

def read(data):
    return np.fromiter(samples(data), np.float32)
# exempt: flags of an item that is no byte of many
def admins(users):
    for user in users:
        rights = user.rights
        if rights & 4:  # hot
            yield user
# exempt: masks of whole arrays
def narrow(rows, masks):
    for at in range(len(masks)):
        mask = masks[at]
        rows = rows & mask  # hot
    return rows
