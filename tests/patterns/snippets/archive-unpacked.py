# slow
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/_format_impl.py, _read_bytes numpy/lib/_format_impl.py, read zipfile.py, _read1 zipfile.py
import numpy as np

def load(paths):
    return [np.load(path)["x"] for path in paths]  # hot
# exempt: it is not compressed
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/_format_impl.py, _read_bytes numpy/lib/_format_impl.py, read zipfile.py, _update_crc zipfile.py
import numpy as np

def load(paths):
    return [np.load(path)["x"] for path in paths]  # hot
# exempt: a sample of a loader, whose files are many
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/_format_impl.py, read zipfile.py, _read1 zipfile.py
# known: loading=True seconds_each=0.003 share=0.4
import numpy as np

class Images:
    def __getitem__(self, index):
        return np.load(self.files[index])["image"]  # hot
