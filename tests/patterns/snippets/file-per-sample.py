# slow
# below: load torch/serialization.py, _load torch/serialization.py
# known: loading=True seconds_each=0.001 share=0.4
import torch

class Features:
    def __getitem__(self, index):
        return torch.load(f"{self.folder}/{index}.pt")  # hot
# slow
# below: load numpy/lib/_npyio_impl.py
# known: loading=True seconds_each=0.001 share=0.4
import numpy as np

class Features:
    def __getitem__(self, index):
        path = self.paths[index]
        return np.load(path)  # hot
# exempt: a large file each
# below: load numpy/lib/_npyio_impl.py
# known: loading=True seconds_each=0.2 share=0.4
import numpy as np

class Scans:
    def __getitem__(self, index):
        return np.load(self.paths[index])  # hot
# exempt: once, in __init__
# below: load numpy/lib/_npyio_impl.py
import numpy as np

class Features:
    def __init__(self, path):
        self.x = np.load(path)  # hot
# exempt: it was read before
# known: seconds_each=0.001 share=0.4
import io
import numpy as np
class Images:
    def __getitem__(self, index):
        data = self.fetch(index)
        return np.load(io.BytesIO(data))  # hot
# slow: an archive of arrays
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/_format_impl.py
# known: loading=True seconds_each=0.001 share=0.4
import numpy as np

class Features:
    def __getitem__(self, index):
        with np.load(self.paths[index]) as arrays:
            return arrays["x"]  # hot
# exempt: one archive for all samples
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/_format_impl.py
# known: loading=True seconds_each=0.001 share=0.4
import numpy as np

class Features:
    def __getitem__(self, index):
        with np.load(self.path) as arrays:
            x = arrays["x"]  # hot
        return x[index]
# exempt: most time decompresses the array
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/_format_impl.py, read zipfile.py, _read1 zipfile.py
# known: loading=True seconds_each=0.003 share=0.4
import numpy as np

class Images:
    def __getitem__(self, index):
        with np.load(self.files[index]) as file:
            return file["image"]  # hot
# exempt: the program keeps what it has made of the sample
# below: load torch/serialization.py, _load torch/serialization.py
# known: loading=True seconds_each=0.001 share=0.4
import torch

class Reports:
    def __getitem__(self, index):
        stored = self.files[index].with_suffix(".pt")
        if not stored.exists():
            torch.save(clean(self.files[index].read_text()), stored)
        return torch.load(stored)  # hot
