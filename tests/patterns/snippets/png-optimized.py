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
