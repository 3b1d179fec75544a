# slow
# known: cores=1.0
import zstandard

def pack(source, target):
    compressor = zstandard.ZstdCompressor(level=12)
    compressor.copy_stream(source, target)  # hot
# exempt: threads are set
# known: cores=1.0
import zstandard

def pack(source, target):
    compressor = zstandard.ZstdCompressor(level=12, threads=-1)
    compressor.copy_stream(source, target)  # hot
# exempt: small messages
# known: cores=1.0
import zstandard

def pack(messages):
    compressor = zstandard.ZstdCompressor()
    return [compressor.compress(message) for message in messages]  # hot
