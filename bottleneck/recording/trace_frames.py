"""Lines of the user's code in what torch.profiler notes of call stacks ("train.py(41): main")."""

from __future__ import annotations

import re
import sys

from .facts import Site

_FRAME = re.compile(r"(?P<file>[^<>]*?\S)\((?P<line>\d+)\): (?P<function>.+)")
#: Traces drop the part of a path that is on sys.path, so that a library is only known by its name.
_LIBRARIES = frozenset(
    "torch torchvision torchaudio torchtext torchdata torchrec torch_xla torchao torchtune ignite lightning "
    "lightning_utilities pytorch_lightning accelerate transformers diffusers datasets peft trl timm "
    "sentence_transformers deepspeed megatron fairscale apex xformers flash_attn triton bitsandbytes fbgemm_gpu "
    "vllm sglang aiter flashinfer onnxruntime numpy scipy pandas polars pyarrow PIL cv2 sklearn skimage "
    "albumentations einops networkx numba jax jaxlib flax tensorflow keras tqdm wandb mlflow tensorboard ray dask "
    "distributed hydra omegaconf click typer fire absl fastapi starlette uvicorn anyio gunicorn aiohttp httpx "
    "requests pydantic IPython ipykernel traitlets tornado matplotlib pytest _pytest pluggy attr attrs yaml "
    "packaging typing_extensions setuptools pkg_resources".split()
)
_INSTALLED = re.compile(r"[\\/](?:site|dist)-packages[\\/]|[\\/]lib[\\/]python\d|^<|[\\/]torch_extensions[\\/]")
_SEPARATOR = re.compile(r"[\\/]")


def user_line(frame: str) -> Site | None:
    """The place of a frame, if its file seems to be the user's own."""
    found = _FRAME.fullmatch(frame.strip())
    if found is None or _INSTALLED.search(found["file"]):
        return None
    top = _SEPARATOR.split(found["file"])[0].removesuffix(".py")
    if top in _LIBRARIES or top in sys.stdlib_module_names:
        return None
    return Site(found["file"], int(found["line"]), found["function"])


def innermost_user_line(stack: str) -> Site | None:
    """The same of a whole stack, "innermost;...;outermost"."""
    return next((site for frame in stack.split(";") if (site := user_line(frame)) is not None), None)
