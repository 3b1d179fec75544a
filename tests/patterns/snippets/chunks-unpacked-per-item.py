# slow: rows of an array in chunks of columns
# below: __getitem__ h5py/_hl/dataset.py
import h5py

def build(path, values):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=values, chunks=(4096, 8), compression="gzip")

def total(path):
    found = 0.0
    with h5py.File(path) as file:
        for row in range(len(file["x"])):
            found += file["x"][row].sum()  # hot
    return found
# slow: columns of an array in chunks of rows
# below: __getitem__ zarr/core/array.py, sync zarr/core/sync.py
import zarr

def build(path, count):
    return zarr.create_array(store=path, shape=(count, 500), chunks=(1, 500), dtype="f4")

def means(path):
    array = zarr.open_array(path)
    return [array[:, station].mean() for station in range(500)]  # hot
# exempt: one image a chunk
# below: __getitem__ h5py/_hl/dataset.py
import h5py

def build(file, images):
    file.create_dataset("x", data=images, chunks=(1, 256, 256), compression="gzip")

def peaks(dataset):
    return [dataset[image].max() for image in range(len(dataset))]  # hot
# exempt: whole chunks
# below: __getitem__ h5py/_hl/dataset.py
import h5py

def build(file, images):
    file.create_dataset("x", data=images, chunks=(32, 256, 256), compression="gzip")

def peaks(dataset):
    for start in range(0, len(dataset), 32):
        yield dataset[start : start + 32].max()  # hot
# exempt: how it is stored is not known
# below: __getitem__ h5py/_hl/dataset.py
import h5py

def peaks(path):
    with h5py.File(path) as file:
        return [file["x"][image].max() for image in range(len(file["x"]))]  # hot
