# slow
# below: __call__ torchvision/transforms/transforms.py, forward torchvision/transforms/transforms.py, adjust_hue torchvision/transforms/functional.py
# known: loading=True
from torchvision import transforms as T

class Photos:
    def __init__(self, paths):
        self.transform = T.Compose([T.ColorJitter(0.4), T.RandomResizedCrop(224), T.ToTensor()])

    def __getitem__(self, index):
        return self.transform(self.images[index])  # hot
# exempt: the crop comes first
# below: __call__ torchvision/transforms/transforms.py, forward torchvision/transforms/transforms.py, adjust_hue torchvision/transforms/functional.py
# known: loading=True
from torchvision import transforms as T

class Photos:
    def __init__(self, paths):
        self.transform = T.Compose([T.RandomResizedCrop(224), T.ColorJitter(0.4), T.ToTensor()])

    def __getitem__(self, index):
        return self.transform(self.images[index])  # hot
