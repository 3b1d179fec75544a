# slow
# below: save PIL/Image.py, _save PIL/PngImagePlugin.py, _encode_tile PIL/ImageFile.py
from PIL import Image

def export(tiles, folder):
    for name, tile in tiles:
        tile.save(f"{folder}/{name}.png", optimize=True)  # hot
# exempt: the usual level
# below: save PIL/Image.py, _save PIL/PngImagePlugin.py, _encode_tile PIL/ImageFile.py
from PIL import Image

def export(tiles, folder):
    for name, tile in tiles:
        tile.save(f"{folder}/{name}.png")  # hot
# slow: the options are an attribute of the class
# below: save PIL/Image.py, _save PIL/PngImagePlugin.py, encode_to_file PIL/ImageFile.py
class Thumbs:
    options = {"format": "PNG", "optimize": True}

    def encode(self, image, buffer):
        image.save(buffer, **self.options)  # hot
# exempt: options without it
# below: save PIL/Image.py, _save PIL/PngImagePlugin.py, encode_to_file PIL/ImageFile.py
OPTIONS = dict(format="PNG", compress_level=1)

def encode(image, buffer):
    image.save(buffer, **OPTIONS)  # hot
