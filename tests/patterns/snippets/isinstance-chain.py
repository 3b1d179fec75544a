# slow
def convert(items):
    found = []
    for item in items:
        if isinstance(item, Point):  # hot
            found.append(of_point(item))
        elif isinstance(item, Line):
            found.append(of_line(item))
        elif isinstance(item, Ring):
            found.append(of_ring(item))
        elif isinstance(item, Polygon):
            found.append(of_polygon(item))
        elif isinstance(item, Circle):
            found.append(of_circle(item))
        elif isinstance(item, Arc):
            found.append(of_arc(item))
    return found
# slow: a protocol
# below: __instancecheck__ typing.py, _get_protocol_attrs typing.py
def close(items):
    for item in items:
        if isinstance(item, Closable):  # hot
            item.close()
# exempt: one test
def close(items):
    for item in items:
        if isinstance(item, list):  # hot
            item.clear()
