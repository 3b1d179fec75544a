"""Training: switches, checks and kernels that cost more than they bring."""

import ast

from ..loops import in_loop
from ..model import Hot, Pattern, Price, Sighting
from ..places import known, less, more, step
from ..shapes import any_of, argument, below, calls, deep, keyword, leaf, matches
from ..source import Source
from ..syntax import arguments, last_name

_MODULES = ("torch.nn.*", "torchvision.models.*", "transformers.*", "sentence_transformers.*")


def _halves_a_model(hot: Hot) -> bool:
    """``model.half()`` or ``model.to(torch.float16)``, whichever device there is."""
    calls = (each for name in ("half", "to") for each in hot.source.calls.get(name, []))
    return any(
        isinstance(each.func, ast.Attribute)
        and (not each.args if each.func.attr == "half" else any(_is_half(hot.source, a) for a in arguments(each)))
        and _is_module(hot.source, each.func.value)
        and not any(isinstance(outer, ast.If | ast.IfExp) for outer in hot.source.above(each))
        and not _to_be_stored(hot, each)
        for each in calls
    )


def _to_be_stored(hot: Hot, call: ast.Call) -> bool:
    """``model.half().state_dict()``, or a call after the line: what has computed until then was float32."""
    source, parent = hot.source, hot.source.parents.get(call)
    together = source.function(call) is source.function(hot.node) and not {*source.loops(call)} & {
        *source.loops(hot.node)
    }
    return last_name(parent or call) == "state_dict" or (together and call.lineno > hot.seen.line)


def _is_half(source: Source, value: ast.expr) -> bool:
    return source.paths(value) == {"torch.float16"} or source.paths(value) == {"torch.half"}


def _is_module(source: Source, value: ast.expr) -> bool:
    """It was made by a library's class, or by a class of the file that is a module."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in ("eval", "to"):
        value = value.func.value
    if any(matches(path, *_MODULES) for path in source.paths(value)):
        return True
    made = source.literal(value)
    name = last_name(made.func) if isinstance(made, ast.Call) else ""
    return any(
        isinstance(each, ast.ClassDef) and each.name == name and "torch.nn.Module" in source.paths(base)
        for each in source.tree.body
        for base in getattr(each, "bases", [])
    )


def _autocasts_to_bfloat16(hot: Hot) -> bool:
    """All that the file casts automatically is bfloat16."""
    casts = [argument(call, "dtype") for call in hot.source.calls.get("autocast", ())]
    return bool(casts) and all(each is not None and hot.source.paths(each) == {"torch.bfloat16"} for each in casts)


def _switches_the_scaler(hot: Hot) -> bool:
    """What makes the scaler decides whether it is enabled."""
    return any(argument(call, "enabled") is not None for call in hot.source.calls.get("GradScaler", ()))


def _line_of_scaler(seen: Sighting) -> int | None:
    return next((call.lineno for call in seen.source.calls.get("GradScaler", ())), None)


PATTERNS = (
    Pattern(
        id="anomaly-mode-on",
        title="Anomaly detection stores a stack for each operation and tests each gradient",
        replacement="Remove set_detect_anomaly(True); test torch.isfinite(loss) every k steps",
        snippet="torch.autograd.set_detect_anomaly(False)",
        when=(any_of(below("torch/fx/traceback.py", "format_stack"), deep("torch/autograd/anomaly_mode.py")),),
        leave="This run hunts a NaN.",
        price=Price("measure", (1.5, 3)),
        source="Lightning-AI/pytorch-lightning#12344 (3x), #17359 (2.5x), icon-lab/SynDiff#43 (1.5 h to 36 min an epoch)",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="coco-map-python",
        title="The COCO score matches boxes in Python on one core",
        replacement="Use a C++ backend (faster-coco-eval), and score every k epochs or on a subset",
        snippet="metric = MeanAveragePrecision(backend='faster_coco_eval')",
        when=(
            any_of(below("pycocotools/cocoeval.py"), below("torchmetrics/detection/", through="torchmetrics/")),
            deep("pycocotools/cocoeval.py"),
        ),
        leave="It is the final score.",
        price=Price("amdahl", (5, 10)),
        source="Lightning-AI/torchmetrics#1024, #677 (10-15x), lightly-ai/lightly-train#946 (2.18 to 0.44 s)",
        stages=("training",),
    ),
    Pattern(
        id="host-matching",
        title="The assignment of boxes is solved on the host, image by image",
        replacement="Compute the cost per image only, copy it once with .cpu(), and run linear_sum_assignment in threads",
        snippet="costs = [c.cpu() for c in cost.split(sizes)]\nwith ThreadPoolExecutor() as pool:\n    matched = list(pool.map(linear_sum_assignment, costs))",
        when=(calls("scipy.optimize.linear_sum_assignment"), in_loop(), step()),
        leave="Few objects.",
        price=Price("amdahl", (1.2, 1.4)),
        source="ultralytics/ultralytics#26150, roboflow/rf-detr#1281, facebookresearch/detr#606",
        stages=("training",),
        effort=4,
    ),
    Pattern(
        id="recompute-not-needed",
        title="Gradient checkpointing computes the forward pass twice while memory is free",
        replacement="Switch checkpoint off, or use it in every second block; or spend the memory on a larger batch",
        snippet="model.gradient_checkpointing_disable()",
        when=(less(memory=0.6), deep("torch/utils/checkpoint.py")),
        needs=("memory",),
        leave="Memory is tight, or a larger batch pays for it.",
        price=Price("measure", (1.1, 1.25)),
        source="huggingface/sentence-transformers#2717, LTH14/mar#7 (0.78 to 0.94 s), huggingface/diffusers#10611",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="distribution-checks",
        title="torch.distributions checks its arguments at each construction",
        replacement="Pass validate_args=False once it works; draw many samples with one multinomial(n) call",
        snippet="torch.distributions.Distribution.set_default_validate_args(False)",
        when=(
            below("torch/distributions/"),
            any_of(
                deep("torch/distributions/constraints.py", "check"),
                deep("torch/distributions/distribution.py", "_validate_sample"),
                leaf("torch/distributions/distribution.py", "__init__"),  # the tests themselves are compiled code
            ),
        ),
        unless=(keyword("validate_args", False),),
        leave="The guard against NaN is wanted.",
        price=Price("once"),
        source="pytorch/pytorch#48743, #30968 (3.16 s to 52 ms), #180444 (66 % of multinomial), pfnet-research/pfhedge#15",
        stages=("training",),
        effort=1,
    ),
    Pattern(
        id="scaler-on-bf16",
        title="A GradScaler tests for overflow although autocast is bfloat16",
        replacement="Use no GradScaler, or GradScaler(enabled=dtype == torch.float16)",
        snippet="scaler = torch.amp.GradScaler(enabled=dtype == torch.float16)",
        when=(any_of(leaf("torch/amp/grad_scaler.py"), leaf("torch/cuda/amp/grad_scaler.py")), _autocasts_to_bfloat16),
        unless=(_switches_the_scaler,),
        cause=_line_of_scaler,
        leave="The test for inf is a wanted guard.",
        price=Price("measure"),
        source="ecmwf/WeatherGenerator#874, huggingface/accelerate#1036, decoderesearch/SAELens#723",
        stages=("training",),
        effort=1,
        risk=0.2,
    ),
    Pattern(
        id="cpu-dropout",
        title="Dropout draws its mask on one core",
        replacement="Use fewer or smaller masks (mask = torch.rand(n) < p on a part), drop F.dropout on dense inputs, or run it on the device",
        snippet="mask = torch.rand(x.shape[:1] + (1,)) > p  # one draw per row",
        when=(
            known(device="cpu"),
            any_of(below("torch/nn/functional.py", "dropout"), deep("torch/nn/modules/dropout.py", "forward")),
        ),
        unless=(more(cores=1.5),),
        needs=("device",),
        leave="Small tensors; the change alters the stream of random numbers.",
        price=Price("measure", probe="both forms on one batch"),
        source="pytorch/pytorch#138199 (34 %), #97002 (6x between two forms), intel/ipex-llm#4867",
        stages=("training",),
        risk=0.4,
    ),
    Pattern(
        id="half-on-cpu",
        title="The CPU converts float16 weights around each product",
        replacement="Use float32 on the CPU (model.float()); bfloat16 only where the CPU has it",
        snippet="model = model.float()",
        when=(
            known(device="cpu"),
            _halves_a_model,
            any_of(deep("torch/nn/modules/linear.py"), deep("torch/nn/modules/conv.py")),
        ),
        needs=("device",),
        leave="The CPU has avx512_fp16, or memory is the limit.",
        price=Price("measure", (5, 100)),
        source="pytorch/pytorch#146508 (about 100x), huggingface/transformers#34692 (5-11x), tensorflow/tensorflow#24738",
        stages=("training", "serving"),
        effort=1,
    ),
)
