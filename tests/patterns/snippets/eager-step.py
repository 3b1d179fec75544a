# slow
# below: error_handler keras/src/utils/traceback_utils.py, __call__ keras/src/layers/layer.py, quick_execute tensorflow/python/eager/execute.py
import tensorflow as tf

def train(model, batches):
    for x, y in batches:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)  # hot
        tape.gradient(loss, model.trainable_variables)
# slow
# below: _operator_matmul jax/_src/numpy/array_methods.py
import jax.numpy as jnp

def train(params, batches):
    for x in batches:
        params = params - 0.1 * jnp.dot(x.T, jnp.tanh(x @ params))  # hot
# exempt: compiled
# below: error_handler tensorflow/python/util/traceback_utils.py, __call__ tensorflow/python/eager/polymorphic_function/polymorphic_function.py, quick_execute tensorflow/python/eager/execute.py
import tensorflow as tf

def train(step, batches):
    for x, y in batches:
        with tf.GradientTape() as tape:
            loss = step(x, y)  # hot
# exempt: jitted
# below: cache_miss jax/_src/pjit.py
import jax

def train(update, params, batches):
    step = jax.jit(update)
    for x in batches:
        params = step(params, x)  # hot
