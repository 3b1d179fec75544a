# slow
# below: __init__ geopy/distance.py, measure geopy/distance.py, Inverse geographiclib/geodesic.py
from geopy.distance import geodesic

def lengths(trips):
    return [geodesic(trip.start, trip.end).km for trip in trips]  # hot
# slow: by hand
from math import asin, cos, radians, sin, sqrt

def far(lat1, lon1, lat2, lon2):
    lat1, lon1, lat2, lon2 = map(radians, [lat1, lon1, lat2, lon2])
    a = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2  # hot
    return 2 * 6371 * asin(sqrt(a))

def lengths(rows):
    return [far(*row) for row in rows]
# exempt: one pair
# below: __init__ geopy/distance.py, measure geopy/distance.py
from geopy.distance import geodesic

def far(start, end):
    return geodesic(start, end).km  # hot
# exempt: a pendulum
from math import atan2, cos, sin

def swing(x, y, steps):
    for _ in range(steps):
        angle = atan2(y, x)  # hot
        x, y = cos(angle + 0.1), sin(angle + 0.1)
    return x, y
# slow: by the diameter
# known: looped=True
from math import asin, cos, radians, sin, sqrt

def km(a, b):
    la1, lo1, la2, lo2 = map(radians, (a.lat, a.lon, b.lat, b.lon))
    half = sin((la2 - la1) / 2) ** 2 + cos(la1) * cos(la2) * sin((lo2 - lo1) / 2) ** 2  # hot
    return 12742 * asin(sqrt(half))
