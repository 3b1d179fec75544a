# slow
import tensorflow as tf

def decode(path):
    return augment(read(path))  # hot

def pipeline(paths):
    return tf.data.Dataset.from_tensor_slices(paths).map(lambda p: tf.numpy_function(decode, [p], tf.float32))
# exempt: TensorFlow operations
import tensorflow as tf

def decode(path):
    return tf.io.decode_jpeg(tf.io.read_file(path))  # hot

def pipeline(paths):
    return tf.data.Dataset.from_tensor_slices(paths).map(decode, num_parallel_calls=8)
