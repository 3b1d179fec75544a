# slow
# below: error_handler keras/src/utils/traceback_utils.py, predict keras/src/backend/tensorflow/trainer.py
import keras

model = keras.Sequential([keras.layers.Dense(2)])

def play(env, steps):
    state = env.reset()
    for _ in range(steps):
        action = model.predict(state[None], verbose=0).argmax()  # hot
        state = env.step(action)

# slow
# below: error_handler keras/src/utils/traceback_utils.py, predict keras/src/backend/jax/trainer.py
import keras

def scores(states):
    model = keras.models.load_model("model.keras")
    return [model.predict(state) for state in states]  # hot
# exempt: called once
# below: error_handler keras/src/utils/traceback_utils.py, predict keras/src/backend/tensorflow/trainer.py
import keras

def scores(states):
    model = keras.models.load_model("model.keras")
    return model.predict(states)  # hot
# exempt: epochs
# below: error_handler keras/src/utils/traceback_utils.py, fit keras/src/backend/tensorflow/trainer.py
import keras

def train(parts):
    model = keras.Sequential([keras.layers.Dense(2)])
    for part in parts:
        model.fit(part.x, part.y, epochs=1)  # hot
