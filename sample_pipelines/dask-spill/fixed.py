"""How far measurements are from the mean of their time, on a cluster: in chunks of some time of all channels."""

import dask.array as da
from distributed import Client, LocalCluster

CHANNELS, VALUES = 24, 2_000_000


def main():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, memory_limit="420MB", dashboard_address=None) as cluster,
        Client(cluster),
    ):
        values = da.random.random((CHANNELS, VALUES), chunks=(CHANNELS, 50_000))
        spread = (values - values.mean(axis=0)).std().compute()
        print(f"{CHANNELS} channels, spread {spread:.2f}")


if __name__ == "__main__":
    main()
