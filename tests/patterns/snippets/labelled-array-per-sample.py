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
# exempt: what is cut is read from a file
# below: values xarray/core/dataarray.py, get_array xarray/core/indexing.py, _getitem xarray/backends/netCDF4_.py
import xarray

def means(path, years):
    dataset = xarray.open_dataset(path)
    return [dataset["t"].sel(time=str(year)).values.mean() for year in years]  # hot
