# slow
# below: lower pandas/core/strings/accessor.py, _str_lower pandas/core/strings/object_array.py, _str_map pandas/core/strings/object_array.py
def clean(frame):
    frame["name"] = frame["name"].str.lower()  # hot
# exempt: Arrow strings
# below: lower pandas/core/strings/accessor.py, _str_lower pandas/core/arrays/string_arrow.py
def clean(frame):
    frame["name"] = frame["name"].str.lower()  # hot
