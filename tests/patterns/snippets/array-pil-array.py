# slow
# below: fromarray PIL/Image.py, frombuffer PIL/Image.py
# known: loading=True
from PIL import Image

class Digits:
    def __getitem__(self, index):
        image = Image.fromarray(self.images[index])  # hot
        return self.transform(image)
# exempt: not a sample
# below: fromarray PIL/Image.py
from PIL import Image

def save(array, path):
    Image.fromarray(array).save(path)  # hot
