# slow
# below: iterator webdataset/pipeline.py, tar_file_iterator webdataset/tariterators.py, read tarfile.py, _read tarfile.py
import webdataset as wds

def train(urls, epochs):
    for epoch in range(epochs):
        for image, label in wds.WebDataset(urls).decode().to_tuple("x.npy", "y.cls"):  # hot
            use(image, label)
# exempt: plain shards
# below: iterator webdataset/pipeline.py, tar_file_iterator webdataset/tariterators.py, read tarfile.py
import webdataset as wds

def train(urls, epochs):
    for epoch in range(epochs):
        for image, label in wds.WebDataset(urls).decode().to_tuple("x.npy", "y.cls"):  # hot
            use(image, label)
