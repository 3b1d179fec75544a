"""Training: Python loops where one call would do, and frameworks that build or compile again what they could keep."""

import ast

from ..loops import in_loop, varies
from ..model import Hot, Pattern, Price
from ..places import cached, handed_to, inside, known, less, more, uses
from ..shapes import all_of, any_of, below, deep, first, keyword, matches, method, not_if
from ..source import Source
from ..syntax import last_name, mentions, stored

_JITS = ("jax.jit", "jax.pmap", "tensorflow.function", "torch.jit.trace", "torch.jit.script")


# --- reinforcement learning -------------------------------------------------------------------------------------------
def _steps_one_environment(hot: Hot) -> bool:
    """The loop around, or around the calls of the function, steps an environment that ``gym.make`` made, or one that
    says when its episode has ended."""
    function = hot.source.function(hot.node)
    calls = hot.source.calls.get(function.name, []) if isinstance(function, ast.FunctionDef) else []
    loops = [loop for node in (hot.node, *calls) for loop in hot.source.loops(node)]
    steps = (
        each
        for loop in loops
        for each in ast.walk(loop)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "step"
    )
    return any(
        any(matches(path, "gymnasium.make()", "gym.make()") for path in hot.source.paths(each.func.value))
        or _tells_the_end(hot.source, each)
        for each in steps
        if isinstance(each.func, ast.Attribute)
    )


def _tells_the_end(source: Source, step: ast.Call) -> bool:
    """``state, reward, done = env.step(action)``, where ``done`` alone decides something: it is no array of them."""
    statement = source.statement(step)
    targets = statement.targets if isinstance(statement, ast.Assign) and statement.value is step else []
    names = [each.id for each in ast.walk(ast.Tuple(targets)) if isinstance(each, ast.Name)]
    ends = {name for name in names if any(word in name for word in ("done", "term", "trunc", "over"))}
    tests = (each.test for each in ast.walk(source.tree) if isinstance(each, ast.If | ast.While | ast.IfExp))
    tests = (each.operand if isinstance(each, ast.UnaryOp) else each for each in tests)
    parts = (part for each in tests for part in (each.values if isinstance(each, ast.BoolOp) else [each]))
    return len(names) >= 3 and any(isinstance(each, ast.Name) and each.id in ends for each in parts)


def _changes(hot: Hot) -> bool:
    """The arguments are of the pass: its item, or something that the loop sets."""
    loops = hot.source.loops(hot.node)
    names = {name for loop in loops for each in ast.walk(loop) if isinstance(each, ast.stmt) for name in stored(each)}
    return varies()(hot) or (isinstance(hot.node, ast.Call) and any(mentions(each, names) for each in hot.node.args))


def _batch_of_one(source: Source, value: ast.expr) -> bool:
    """``x.unsqueeze(0)``, ``x[None]``, ``torch.tensor([x])``: a batch with one item."""
    for each in ast.walk(value):
        if (
            isinstance(each, ast.Call)
            and last_name(each.func) == "unsqueeze"
            and each.args
            and getattr(each.args[0], "value", None) == 0
        ):
            return True
        if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant) and each.slice.value is None:
            return True
        if (
            isinstance(each, ast.Call)
            and each.args
            and isinstance(each.args[0], ast.List)
            and len(each.args[0].elts) == 1
        ):
            return True
    return False


# --- TensorFlow, Keras, JAX -------------------------------------------------------------------------------------------
def _jitted_anew(hot: Hot) -> bool:
    """The function that is called, or that is jitted here, is jitted by each pass: a lambda or function of the pass."""
    node = hot.node
    if not isinstance(node, ast.Call):
        return False
    made: list[ast.expr] = [node, node.func] if hot.seen.below else [node.func]
    if isinstance(node.func, ast.Name):
        made += [each.value for each in hot.source.bindings(node.func)]
    return any(isinstance(each, ast.Call) and _jits_anew(hot, each) for each in made)


def _jits_anew(hot: Hot, call: ast.Call) -> bool:
    source, function = hot.source, hot.source.function(call)
    if not any(matches(path, *_JITS) for path in source.paths(call.func)) or not call.args:
        return False
    here = Hot(hot.seen, call)
    same_function = function is not None and function is source.function(hot.node)
    if cached()(here) or not (source.loops(call) or (same_function and in_loop()(here))):
        return False
    around = source.loops(call)
    if around and around[0] in source.loops(hot.node)[1:]:
        return False  # a loop inside uses it many times
    given = call.args[0]
    nested = isinstance(given, ast.Name) and any(
        source.function(each) is function is not None for each in source.functions.get(given.id, ())
    )
    return isinstance(given, ast.Lambda) or nested or _makes_a_function(source, given)


def _makes_a_function(source: Source, value: ast.expr) -> bool:
    """``make(rate)``, where ``make`` returns a function that it defines."""
    found = source.functions.get(last_name(value.func), []) if isinstance(value, ast.Call) else []
    names = {each.name for maker in found for each in ast.walk(maker) if isinstance(each, ast.FunctionDef)}
    given = [each.value for maker in found for each in ast.walk(maker) if isinstance(each, ast.Return)]
    return any(isinstance(each, ast.Lambda) or (each is not None and last_name(each) in names) for each in given)


def _runs_what_was_traced(hot: Hot) -> bool:
    """A call without frames below it, of what torch has traced in the same function: it compiles at its first calls."""
    paths = hot.source.paths(hot.node.func) if isinstance(hot.node, ast.Call) else frozenset()
    return not hot.seen.below and bool(paths & {"torch.jit.trace()", "torch.jit.script()"})


def _compiles_something(hot: Hot) -> bool:
    """``jit`` stands somewhere in the file."""
    return any(last_name(each) in ("jit", "pmap", "scan") for each in ast.walk(hot.source.tree))


def _own_generator_below_adapter(hot: Hot) -> bool:
    """Keras pulls the batch out of the user's generator, in the thread that trains."""
    frames = hot.seen.below
    pulls = [index for index, frame in enumerate(frames) if frame.is_in("keras/src/trainers/data_adapters/")]
    after = frames[pulls[-1] + 1 :] if pulls else ()
    return any("site-packages" not in frame.path and "/python3" not in frame.path for frame in after)


_TRACED = any_of(deep("tensorflow/python/eager/polymorphic_function/"), deep("tensorflow/python/eager/def_function.py"))

PATTERNS = (
    Pattern(
        id="pad-to-max",
        title="Every batch is padded to the maximum length, and the model computes on the filler",
        replacement="Pad to the longest of the batch (DataCollatorWithPadding, pad_to_multiple_of=8), and group by length "
        "or pack",
        snippet="collate = DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8)",
        when=(less(fill=0.7), keyword("padding", "max_length")),
        needs=("fill",),
        leave="Fixed shapes for compile, CUDA graphs or TPU.",
        price=Price("measure", (1.3, 2)),
        source="Lightning-AI/lit-llama#396 (8 h 37 to 6 h 15), tloen/alpaca-lora#141 (2x), huggingface/transformers#3634",
        stages=("loading", "training"),
        effort=1,
    ),
    Pattern(
        id="keras-call-per-step",
        title="Keras builds its data pipeline and callbacks anew for each call with one batch",
        replacement="Call the model itself: model(x, training=False), predict_on_batch or train_on_batch; or collect the "
        "inputs and call predict once",
        snippet="values = model(states, training=False)",
        when=(
            in_loop(),
            any_of(
                all_of(method("predict", of="keras"), below("keras/")),
                all_of(method("predict", of="tensorflow"), any_of(below("keras/"), below("tensorflow/"))),
                all_of(
                    any_of(method("fit", "evaluate", of="keras"), method("fit", "evaluate", of="tensorflow")),
                    more(passes=20),
                    less(seconds_each=0.2),
                ),
            ),
            _changes,
        ),
        unless=(less(passes=20), more(seconds_each=1)),
        leave="Few calls of many batches each.",
        price=Price("amdahl", (10, 300)),
        source="tensorflow/tensorflow#40261 (3.5 to 0.013 s per 100), #35124 (70 to 6 s an episode), ipazc/mtcnn#107",
        stages=("training", "serving"),
        effort=1,
    ),
    Pattern(
        id="generator-feeds-fit",
        title="fit waits while a Python generator makes each batch on the thread that trains",
        replacement="Decode or compute what stays the same once before fit (one array, or np.memmap); make the rest in a "
        "keras.utils.PyDataset with workers=4, use_multiprocessing=True, or in tf.data with parallel calls and prefetch",
        snippet="class Batches(keras.utils.PyDataset):\n    ...\nmodel.fit(Batches(files, workers=4, "
        "use_multiprocessing=True), epochs=5)",
        when=(
            any_of(*(method("fit", "evaluate", "predict", of=library) for library in ("keras", "tensorflow"))),
            below("keras/"),
            _own_generator_below_adapter,
        ),
        leave="The data is a stream, and the workers would wait for the same source.",
        price=Price("overlap"),
        source="keras.io, PyDataset (workers, use_multiprocessing)",
        stages=("loading", "training"),
        effort=2,
    ),
    Pattern(
        id="eager-step",
        title="Each operation of the training step goes through Python, as nothing compiles the step",
        replacement="Put the whole step into one @tf.function (tensorflow) or @jax.jit (JAX)",
        snippet="@jax.jit\ndef update(state, batch):\n    ...",
        when=(
            any_of(
                all_of(
                    inside("tensorflow.GradientTape()"),
                    deep("tensorflow/python/eager/execute.py", "quick_execute"),
                    not_if(_TRACED),
                ),
                all_of(
                    any_of(below("jax/_src/numpy/"), below("jax/_src/lax/")), in_loop(), not_if(_compiles_something)
                ),
            ),
        ),
        unless=(less(passes=20),),
        leave="Debugging, or a step of few large operations.",
        price=Price("measure", probe="20 steps after tracing"),
        source="tensorflow/tensorflow#30596, #28714, #48844, google/budoux#95",
        stages=("training",),
        effort=2,
    ),
    Pattern(
        id="rejit-in-loop",
        title="A new function is jitted in each pass, so each pass traces and compiles again",
        replacement="Call jax.jit (tf.function, torch.jit.trace) once before the loop and pass what changes as arrays",
        snippet="step = jax.jit(update)  # before the loop\nfor batch in batches:\n    state = step(state, batch)",
        when=(
            _jitted_anew,
            any_of(
                deep("jax/_src/pjit.py"),
                deep("jax/_src/compiler.py"),
                deep("jax/_src/interpreters/partial_eval.py"),
                deep("tensorflow/python/eager/polymorphic_function/"),
                below("torch/jit/"),
                _runs_what_was_traced,
            ),
        ),
        unless=(less(passes=3),),
        leave="The first calls.",
        price=Price("once"),
        source="jax-ml/jax#9288, #1832, google-deepmind/optax#1171, tensorflow/tensorflow#32157, #34025",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="tf-python-map",
        title="tf.data calls a Python function for each element, one thread at a time",
        replacement="Write it in TensorFlow operations with map(num_parallel_calls=tf.data.AUTOTUNE), store records, or "
        "let processes do the Python work",
        snippet="ds = ds.map(decode, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)",
        when=(
            uses("tensorflow"),
            handed_to("tensorflow.py_function", "tensorflow.numpy_function", "tensorflow.data.Dataset.from_generator"),
        ),
        unless=(known(off_cpu=True),),
        leave="The function mostly waits, or is numpy that frees the GIL.",
        price=Price("loader", (1.5, 2.6)),
        source="tensorflow/tensorflow#15694, #14448, merantix/imitation-learning#10 (2.6x)",
        stages=("loading",),
        effort=4,
    ),
    Pattern(
        id="env-step-batch-one",
        title="The policy computes on one state at a time, and its fixed cost per call is all that it does",
        replacement="Step several environments at once (gymnasium.make_vec, SyncVectorEnv) and batch their states; keep "
        "a small policy on the CPU",
        snippet="envs = gymnasium.make_vec('CartPole-v1', num_envs=16)\nactions = policy(torch.as_tensor(states)).argmax(1)",
        when=(in_loop(), below("torch/nn/modules/module.py"), first(_batch_of_one), _steps_one_environment),
        unless=(less(passes=100), more(seconds_each=0.005)),
        leave="The environment takes nine tenths of the time, or is a real device.",
        price=Price("measure", probe="the policy on 16 states at once"),
        source="Unity-Technologies/ml-agents#365, thu-ml/tianshou#483, alex-petrenko/sample-factory#23",
        stages=("training",),
        effort=4,
    ),
)
