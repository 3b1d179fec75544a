# slow
# below: isel xarray/core/dataset.py, _validate_indexers xarray/core/dataset.py
class Windows:
    def window(self, hour):
        return self.dataset.isel(time=slice(hour - 24, hour))  # hot

    def __iter__(self):
        for hour in self.hours:
            yield self.window(hour)
# exempt: once
# below: isel xarray/core/dataset.py, _validate_indexers xarray/core/dataset.py
def last_year(dataset):
    return dataset.isel(time=slice(-8760, None))  # hot
