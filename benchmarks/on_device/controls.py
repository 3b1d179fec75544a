"""Healthy programs that look like the slow ones: ``controls.py NAME``. Nothing may be found in any of them."""

import sys
import time

import torch
from common import DEVICE, HALF, STEPS, layers, sized

WIDTH, ROWS = sized(4096, 64), sized(4096, 32)


def saturated(loss_of, model, optimizer):
    """The device always has work, and nobody waits for it."""
    loss_of().backward()
    optimizer.step()


def item_every_step(loss_of, model, optimizer):
    """A value is fetched in every step of a big model: what the host does after it is short."""
    loss = loss_of()
    loss.backward()
    optimizer.step()
    return loss.item()


def clip(loss_of, model, optimizer):
    """The norm of the gradients stays on the device."""
    loss_of().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def accumulate(loss_of, model, optimizer):
    """Four small batches are one step."""
    for _ in range(4):
        (loss_of() / 4).backward()
    optimizer.step()


def evaluate(loss_of, model, optimizer):
    """Some steps are followed by an evaluation."""
    loss_of().backward()
    optimizer.step()
    evaluate.steps += 1
    if evaluate.steps % 50 == 0:
        with torch.no_grad():
            return [loss_of() for _ in range(4)]


def two_streams(loss_of, model, optimizer):
    """Half of the work runs in a second stream."""
    with torch.cuda.stream(two_streams.side):
        extra = two_streams.left @ two_streams.right
    loss_of().backward()
    optimizer.step()
    torch.cuda.current_stream().wait_stream(two_streams.side)
    return extra


def amp(loss_of, model, optimizer):
    """Mixed precision with a scaler, which asks for one flag in every step."""
    with torch.autocast("cuda", dtype=torch.float16):
        loss = loss_of()
    amp.scaler.scale(loss).backward()
    amp.scaler.step(optimizer)
    amp.scaler.update()


def compiled(loss_of, model, optimizer):
    """The model is compiled: nothing of ours may break a graph."""
    loss_of().backward()
    optimizer.step()


def cuda_graph(loss_of, model, optimizer):
    """Forward and backward are one captured graph."""
    cuda_graph.graph.replay()
    optimizer.step()


def data_parallel(loss_of, model, optimizer):
    """DataParallel on the devices that there are."""
    loss_of().backward()
    optimizer.step()


def hidden_loader(loss_of, model, optimizer):
    """The loop waits for its loader, while the device still works on the steps before."""
    loss_of().backward()
    optimizer.step()


class Slowly(torch.utils.data.Dataset):
    """Items of a source that takes a millisecond for each."""

    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        time.sleep(0.001)
        return index


ALL = (saturated, item_every_step, clip, accumulate, evaluate, hidden_loader, two_streams, amp, cuda_graph,
       data_parallel, compiled)  # fmt: skip


def prepared(name, model, inputs):
    """The function that computes the loss; what the control needs once is made here."""
    if name == "compiled":
        model = torch.compile(model)
    elif name == "data_parallel":
        model = torch.nn.DataParallel(model)
    evaluate.steps = 0
    if name == "two_streams":
        two_streams.side = torch.cuda.Stream()
        two_streams.left = two_streams.right = torch.randn(WIDTH, WIDTH, device=DEVICE, dtype=HALF)
    elif name == "amp":
        amp.scaler = torch.amp.GradScaler("cuda")
    return lambda: model(inputs).float().square().mean()


def captured(loss_of, model, optimizer):
    """A graph of forward and backward, after the steps on a side stream that a capture needs."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            optimizer.zero_grad()
            loss_of().backward()
    torch.cuda.current_stream().wait_stream(side)
    optimizer.zero_grad()
    cuda_graph.graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(cuda_graph.graph):
        loss_of().backward()


def main(name):
    step = next(each for each in ALL if each.__name__ == name)
    dtype = torch.float32 if name == "amp" else HALF
    torch.set_float32_matmul_precision("high")
    model = layers(6, WIDTH, dtype)
    inputs = torch.randn(ROWS // (4 if name == "accumulate" else 1), WIDTH, device=DEVICE, dtype=dtype)
    optimizer = torch.optim.SGD(model.parameters(), 1e-5)
    loss_of = prepared(name, model, inputs)
    if name == "cuda_graph":
        captured(loss_of, model, optimizer)
    source = torch.utils.data.DataLoader(Slowly(), batch_size=None) if name == "hidden_loader" else range(STEPS)
    for _ in source:
        if name != "cuda_graph":
            optimizer.zero_grad()
        step(loss_of, model, optimizer)


if __name__ == "__main__":
    main(sys.argv[1])
