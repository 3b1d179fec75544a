# slow
# below: error_handler keras/src/utils/traceback_utils.py, fit keras/src/backend/jax/trainer.py, get_jax_iterator keras/src/trainers/data_adapters/data_adapter_utils.py, batches train.py, resize site-packages/PIL/Image.py
import keras

def main(files, steps):
    model = keras.Sequential([keras.layers.Dense(4)])
    model.fit(batches(files), steps_per_epoch=steps)  # hot
# exempt: arrays are cut by Keras itself
# below: error_handler keras/src/utils/traceback_utils.py, fit keras/src/backend/jax/trainer.py, __getitem__ keras/src/trainers/data_adapters/array_slicing.py, take site-packages/numpy/_core/fromnumeric.py
import keras

def main(x, y):
    model = keras.Sequential([keras.layers.Dense(4)])
    model.fit(x, y, epochs=5)  # hot
# exempt: a callback of the user's
# below: error_handler keras/src/utils/traceback_utils.py, fit keras/src/backend/jax/trainer.py, on_batch_end keras/src/callbacks/callback_list.py, on_batch_end train.py
import keras

def main(x, y):
    model = keras.Sequential([keras.layers.Dense(4)])
    model.fit(x, y, callbacks=[Watch()])  # hot
