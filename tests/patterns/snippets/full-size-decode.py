# slow: the file says to which size
# below: convert PIL/Image.py, load PIL/ImageFile.py
# known: loading=True seconds_each=0.02
from PIL import Image

class Photos:
    def __getitem__(self, index):
        image = Image.open(self.paths[index]).convert("RGB")  # hot
        return image.resize((224, 224))
# exempt: draft
# below: load PIL/ImageFile.py
# known: loading=True seconds_each=0.02
from PIL import Image

class Photos:
    def __getitem__(self, index):
        image = Image.open(self.paths[index])
        image.draft("RGB", (256, 256))
        image.load()  # hot
        return image.resize((224, 224))
# exempt: nothing is known of the sizes
# below: convert PIL/Image.py, load PIL/ImageFile.py
# known: loading=True
from PIL import Image

class Photos:
    def __getitem__(self, index):
        return self.transform(Image.open(self.paths[index]).convert("RGB"))  # hot
# slow: to a size of the configuration
# below: convert PIL/Image.py, load PIL/ImageFile.py
# known: loading=True seconds_each=0.05
from PIL import Image

class Photos:
    def __getitem__(self, i):
        image = Image.open(self.paths[i]).convert("RGB")  # hot
        return image.resize((self.size, self.size), Image.BILINEAR)
# exempt: small files
# below: convert PIL/Image.py, load PIL/ImageFile.py
# known: loading=True seconds_each=0.009
from PIL import Image

class Thumbnails:
    def __getitem__(self, i):
        image = Image.open(self.paths[i]).convert("RGB")  # hot
        return image.resize((self.size, self.size), Image.BILINEAR)
