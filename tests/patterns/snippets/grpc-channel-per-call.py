# slow
# below: __exit__ grpc/_channel.py, _close grpc/_channel.py
# known: handler=True
import grpc

def score(row):
    with grpc.insecure_channel("model:50051") as channel:  # hot
        return Stub(channel).Score(row)
# exempt: at module level
# below: insecure_channel grpc/__init__.py
import grpc

CHANNEL = grpc.insecure_channel("model:50051")  # hot
