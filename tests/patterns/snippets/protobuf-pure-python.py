# slow
# below: ParseFromString google/protobuf/message.py, MergeFromString google/protobuf/internal/python_message.py, DecodeRepeatedField google/protobuf/internal/decoder.py
def read(path):
    table = Table()
    table.ParseFromString(path.read_bytes())  # hot
    return table
# exempt: the C implementation has no frames
def read(path):
    table = Table()
    table.ParseFromString(path.read_bytes())  # hot
    return table
