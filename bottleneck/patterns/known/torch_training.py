"""Training loops: waits, logging and bookkeeping in every step."""

import ast

from ..carried import carries_state, fed_back, module_keeps_state, state_is_changed, sums_losses
from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import every_pass, known, less, more, somewhere, step
from ..shapes import any_of, argument, below, calls, deep, first, keyword, matches
from ..source import Source
from ..syntax import last_name

_MAKERS = "tensor zeros ones full arange rand randn eye linspace".split()
_WRITTEN = (ast.Constant, ast.List, ast.Tuple)
_CELLS = ("torch.nn.LSTMCell()", "torch.nn.GRUCell()", "torch.nn.RNNCell()")
_DRAWS = (
    "numpy.histogram", "torch.histc", "PIL.Image.fromarray*.save", "matplotlib.*.savefig", "matplotlib.pyplot.imsave",
    "torchvision.utils.save_image", "imageio.imwrite", "cv2.imwrite", "cv2.imencode", "wandb.Image", "wandb.Histogram",
)  # fmt: skip


def _reads_a_value(hot: Hot) -> bool:
    """``x.item()``, ``x.cpu()``, ``x.tolist()`` in a file that uses torch."""
    node = hot.node
    if not isinstance(node, ast.Call) or node.args or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr not in ("item", "tolist", "cpu") or hot.seen.below or not hot.seen.rivals <= {node}:
        return False
    return any(path.partition(".")[0] == "torch" for path in hot.source.imports.values())


def _made_on_the_host(hot: Hot) -> bool:
    """``torch.zeros(...).to(device)`` or ``.cuda()`` without ``device=`` in the constructor."""
    node = hot.node
    if not isinstance(node, ast.Call) or last_name(node.func) not in ("to", "cuda"):
        return False
    made = node.func.value if isinstance(node.func, ast.Attribute) else None
    names = {f"torch.{name}" for name in _MAKERS}
    if (
        not isinstance(made, ast.Call)
        or argument(made, "device") is not None
        or not hot.source.paths(made.func) & names
    ):
        return False
    return last_name(made.func) != "tensor" or all(
        isinstance(hot.source.literal(each) or each, _WRITTEN) for each in made.args
    )


def _made_by_a_function(hot: Hot) -> bool:
    """``bias(length).to(x.device)`` in ``forward``, where a function of the file makes the tensor on the host."""
    node = hot.node
    if not isinstance(node, ast.Call) or last_name(node.func) not in ("to", "cuda"):
        return False
    function, value = hot.source.function(node), node.func.value if isinstance(node.func, ast.Attribute) else None
    made = (hot.source.literal(value) or value) if value is not None else None
    if getattr(function, "name", "") != "forward" or not isinstance(made, ast.Call):
        return False
    makers = {f"torch.{name}" for name in _MAKERS}
    return any(
        isinstance(each, ast.Call) and hot.source.paths(each.func) & makers and argument(each, "device") is None
        for body in hot.source.functions.get(last_name(made.func), [])
        for each in ast.walk(body)
    )


def _calls_what_draws(hot: Hot) -> bool:
    """The call is of a function of the file that makes histograms, or encodes images or figures."""
    called = hot.seen.below[0].function if hot.seen.below else ""
    found = hot.source.functions.get(called, [])
    if not isinstance(hot.node, ast.Call) or last_name(hot.node.func) != called or len(found) != 1:
        return False
    return any(
        matches(path, *_DRAWS)
        for each in ast.walk(found[0])
        if isinstance(each, ast.Call)
        for path in hot.source.paths(each.func)
    )


def _over_parameters(hot: Hot) -> bool:
    """In a loop over ``model.parameters()``, alone, zipped, or from a name that holds them."""
    loops = [each for loop in hot.source.loops(hot.node) for each in getattr(loop, "generators", [loop])]
    given = [each.iter for each in loops if isinstance(each, ast.For | ast.comprehension)]
    named = [each for value in given for each in ast.walk(value) if isinstance(each, ast.Name)]
    return any(
        isinstance(each, ast.Call) and last_name(each.func) in ("parameters", "named_parameters")
        for value in [*given, *filter(None, map(hot.source.literal, named))]
        for each in ast.walk(value)
    )


def _every_k_steps(hot: Hot) -> bool:
    """An ``if step % k`` stands around it, outside of the loop over the parameters, too."""
    outer = [each for each in hot.source.above(hot.node) if isinstance(each, ast.If)]
    return any(isinstance(each, ast.Mod) for branch in outer for each in ast.walk(branch.test))


def _is_asked(hot: Hot) -> bool:
    """It stands in a condition: ``if torch.isnan(p.grad).any():``, ``assert``, ``any(...)``."""
    condition = next((each for each in hot.source.above(hot.node) if isinstance(each, ast.If | ast.Assert)), None)
    test = condition.test if condition is not None else None
    checks = ("isnan", "isinf", "isfinite", "any", "all", "item", "equal", "allclose")
    return test is not None and any(
        isinstance(each, ast.Call) and last_name(each.func) in checks and hot.node in [*ast.walk(test), condition]
        for each in ast.walk(test)
    )


def _calls_method(*names: str):  # type: ignore[no-untyped-def]
    return lambda hot: (
        isinstance(hot.node, ast.Call) and isinstance(hot.node.func, ast.Attribute) and hot.node.func.attr in names
    )


def _group_per_parameter(hot: Hot) -> bool:
    """The file makes one dict per parameter, or switches the batched update off."""
    return any(
        (
            isinstance(each, ast.ListComp)
            and isinstance(each.elt, ast.Dict)
            and any(
                isinstance(part, ast.Call) and last_name(part.func) in ("parameters", "named_parameters")
                for part in ast.walk(each.generators[0].iter)
            )
        )
        or (isinstance(each, ast.keyword) and each.arg == "foreach" and getattr(each.value, "value", None) is False)
        for each in ast.walk(hot.source.tree)
    )


def _of_gradients(source: Source, value: ast.AST) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "grad" for each in ast.walk(value))


PATTERNS = (
    Pattern(
        id="item-every-step",
        title="The host waits for the GPU in every step to read a value",
        replacement="Add up loss.detach() on the device and call .item() every k steps, or one step late",
        snippet="total += loss.detach()\nif step % 50 == 0:\n    print(total.item() / (step + 1))",
        when=(known(device="cuda"), step(), every_pass(), _reads_a_value),
        needs=("device",),
        leave="The GPU is full anyway (the wait only moves), or a stop test needs the exact value in each step.",
        price=Price("measure", probe="20 steps without the read"),
        source="meta-pytorch/torchtune#522 (40-50 ms a step), openvdb/fvdb-reality-capture#144 (5-10 %), jolibrain/joliGEN#374 (2x)",
        stages=("training",),
    ),
    Pattern(
        id="cache-flush-per-step",
        title="gc.collect or empty_cache runs in every pass of a loop",
        replacement="Delete the call; where memory needs it, gc.collect() or torch.cuda.empty_cache() once per epoch or before evaluation",
        snippet="if step % 1000 == 0:\n    gc.collect()",
        when=(calls("gc.collect", "torch.cuda.empty_cache"), in_loop(), every_pass()),
        unless=(more(memory=0.92), somewhere("gc.disable")),
        leave="Memory is more than 92 % full, models are swapped between phases, or automatic collection is switched off on purpose.",
        price=Price("measure", (1.5, 2.4), probe="20 steps without it"),
        source="huggingface/transformers#31372, huggingface/peft#2894 (108 to 45 s), dpeerlab/segger#46 (83 to 1.4 s), Nerogar/OneTrainer#1459 (half the run)",
        stages=("training", "etl"),
        effort=1,
        risk=0.2,
    ),
    Pattern(
        id="rich-logging-every-step",
        title="Histograms, images or figures are logged in every step",
        replacement="Log them every k steps or once per epoch; add_scalar is enough for each step",
        snippet="if step % 500 == 0:\n    writer.add_histogram('weights', weights, step)",
        when=(
            step(),
            every_pass(),
            any_of(
                below("torch/utils/tensorboard/writer.py", "add_histogram", "add_image", "add_images", "add_figure"),
                below("tensorboardX/writer.py", "add_histogram", "add_image", "add_images", "add_figure"),
                _calls_what_draws,
            ),
        ),
        leave="A short run for debugging.",
        price=Price("once"),
        source="wandb/wandb#3701 (2.2 to 5.7 s an iteration), facebookresearch/fairchem#747, lanpa/tensorboardX#718, pytorch/pytorch#83589",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="metric-in-train-step",
        title="Scores are computed on the host for each training batch",
        replacement="Call metric.update() per step and metric.compute() per epoch, or score every k steps",
        snippet="metric.update(prediction, target)  # each step\nscore = metric.compute()  # each epoch",
        when=(step(), every_pass(), any_of(below("sklearn/metrics/"), below("torchmetrics/metric.py", "forward"))),
        leave="The score steers the training.",
        price=Price("once"),
        source="gnn-tracking/gnn_tracking#275, Lightning-AI/pytorch-lightning#3050, autogluon/autogluon#2318 (2-5x), fastai/fastai#2516",
        stages=("training",),
    ),
    Pattern(
        id="metric-reduced-every-step",
        title="All ranks meet in every step only to reduce a number that is logged",
        replacement="Keep a local sum and count, and call all_reduce once per log event",
        snippet="if step % 50 == 0:\n    dist.all_reduce(totals)",
        when=(
            more(ranks=1),
            step(),
            every_pass(),
            below(
                "torch/distributed/distributed_c10d.py",
                "all_reduce",
                "all_gather",
                "all_gather_object",
                "barrier",
                "reduce",
            ),
        ),
        unless=(first(_of_gradients), _over_parameters),
        needs=("ranks",),
        leave="The value steers the training.",
        price=Price("once"),
        source="modelscope/ms-swift#9966, huggingface/trl#6943, allenai/OLMo#279, Lightning-AI/pytorch-lightning#17988",
        stages=("training",),
    ),
    Pattern(
        id="log-call-every-step",
        title="The progress bar or the logger is refreshed in every step",
        replacement="Use set_postfix(refresh=False) and a larger mininterval for tqdm; a larger log_every_n_steps and one log_dict for Lightning",
        snippet="bar.set_postfix(loss=value, refresh=False)",
        when=(
            step(),
            every_pass(),
            any_of(
                below("tqdm/std.py", "set_postfix", "set_postfix_str", "set_description"),
                below("lightning/pytorch/core/module.py", "log", "log_dict"),
            ),
        ),
        unless=(keyword("refresh", False),),
        leave="The share is under 2 %.",
        price=Price("once"),
        source="Lightning-AI/pytorch-lightning#7093, #6196, allenai/allennlp#746, fastai/fastai#564",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="host-made-constants",
        title="A tensor is made on the host in every step and copied to the GPU",
        replacement="Pass device= to the constructor, or keep the tensor with register_buffer",
        snippet="mask = torch.zeros(size, device=x.device)",
        when=(known(on_device=True), any_of(_made_on_the_host, _made_by_a_function)),
        needs=("on_device",),
        leave="The values come from the host, or the CPU generator is wanted for equal seeds.",
        price=Price("measure", probe="host + copy against device"),
        source="open-mmlab/mmsegmentation#3231 (17.7 ms to 9 us), DLR-RM/stable-baselines3#1218 (7.5 % of a run)",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="grad-norm-every-step",
        title="A loop over the parameters computes the gradient norm tensor by tensor",
        replacement="Use the value that torch.nn.utils.clip_grad_norm_ returns, or torch._foreach_norm; log it every k steps",
        snippet="norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        when=(
            step(),
            every_pass(),
            _over_parameters,
            _calls_method("norm", "item"),
            lambda hot: _of_gradients(hot.source, hot.source.statement(hot.node)),
        ),
        leave="Few tensors.",
        price=Price("once"),
        source="ApolloResearch/e2e_sae#60 (5-25 %), allenai/OLMo#326, kohya-ss/musubi-tuner#988",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="gradients-checked-one-by-one",
        title="Each parameter's gradient is checked alone, and the host waits for every answer",
        replacement="Ask once a step: torch.isfinite() of the norm that clip_grad_norm_ returns, or of the loss; "
        "GradScaler checks all gradients in one kernel",
        snippet="norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\nif not torch.isfinite(norm):\n    continue",
        when=(
            any_of(step(), in_loop()),
            every_pass(),
            _over_parameters,
            _is_asked,
            lambda hot: _of_gradients(hot.source, hot.source.statement(hot.node)),
        ),
        unless=(_every_k_steps,),
        leave="Few tensors, or a search for the layer that makes NaN.",
        price=Price("amdahl", (3, 20)),
        source="pytorch/pytorch#41081 (foreach checks in GradScaler), Lightning-AI/pytorch-lightning#1823 (detect_nan_tensors)",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="group-per-parameter",
        title="The optimizer updates each parameter alone",
        replacement="Merge parameters with equal settings into one group, so that foreach works, or use fused=True",
        snippet="optimizer = torch.optim.AdamW(model.parameters(), fused=True)",
        when=(
            known(device="cuda"),
            below("torch/optim/"),
            deep("torch/optim/adam.py", "_single_tensor_adam"),
            _group_per_parameter,
        ),
        needs=("device",),
        leave="The groups truly differ.",
        price=Price("amdahl", (2, 5)),
        source="roboflow/rf-detr#1409 (465 to 28 groups), deepmodeling/deepmd-kit#4463 (22 to 8 ms), fastai/fastai#3821",
        stages=("training",),
    ),
    Pattern(
        id="ema-loop",
        title="The moving average of the weights is updated tensor by tensor in Python",
        replacement="Use torch._foreach_lerp_ on cached lists, or torch.optim.swa_utils.AveragedModel with a multi-tensor function; every k steps",
        snippet="torch._foreach_lerp_(averaged, parameters, 1 - decay)",
        when=(known(device="cuda"), step(), _over_parameters, _calls_method("mul_", "add_", "lerp_", "copy_")),
        needs=("device",),
        leave="Under 20 tensors, or very large ones.",
        price=Price("amdahl", (2, 11)),
        source="lightly-ai/lightly#1899 (47.6 to 4.1 s), facebookresearch/d2go#493 (-40 %), pytorch/pytorch#71683",
        stages=("training",),
    ),
    Pattern(
        id="state-never-detached",
        title="The carried state is never detached, so each backward walks the history of all earlier passes",
        replacement="Detach the state before the next window (state = tuple(s.detach() for s in state)) and drop retain_graph=True",
        snippet="loss.backward()\nstate = tuple(part.detach() for part in state)",
        when=(
            _calls_method("backward"),
            keyword("retain_graph", True),
            in_loop(),
            any_of(carries_state, module_keeps_state, sums_losses),
        ),
        unless=(known(growing=False),),
        leave="retain_graph serves two losses of one step, and nothing grows.",
        price=Price("growth"),
        source="TorchSim/torch-sim#564, pytorch/pytorch#2769, EagleW/Writing-editing-Network#3, jlamprou/Infini-Attention#3",
        stages=("training",),
        risk=0.3,
    ),
    Pattern(
        id="unrolled-recurrence",
        title="A recurrent cell runs step by step in Python",
        replacement="Use the sequence module (nn.LSTM, nn.GRU) on the whole sequence, with packed sequences where lengths differ",
        snippet="output, state = nn.LSTM(size, hidden, batch_first=True)(x)",
        when=(calls(*_CELLS), in_loop()),
        unless=(fed_back, state_is_changed, less(passes=10)),
        leave="Each step needs its own output, the cell is a custom one, or there are under ten steps.",
        price=Price("amdahl", (2, 10)),
        source="georgeyiasemis/Recurrent-Neural-Networks-from-scratch-using-PyTorch#1 (10x), alex-petrenko/sample-factory#26 (2x), dr-costas/SEDLM#1",
        stages=("training",),
        effort=4,
    ),
)
