"""Each batch is copied in the stream that computes, so neither overlaps; fixed: one batch ahead in its own stream."""

import torch
from common import DEVICE, HALF, STEPS, Clock, layers, run, sized

WIDTH, ROWS = sized(4096, 64), sized(16384, 32)  # 256 MiB as floats


def copied(batches):
    for batch in batches:
        yield batch.to(DEVICE, non_blocking=True)  # planted


def copied_ahead(batches, module):
    side, ahead = module.Stream(), None
    for batch in batches:
        with module.stream(side):
            copy = batch.to(DEVICE, non_blocking=True)
        if ahead is not None:
            yield ahead
        module.current_stream().wait_stream(side)
        copy.record_stream(module.current_stream())
        ahead = copy
    yield ahead


def main(fixed):
    streams = DEVICE == "cuda"
    batches = [torch.randn(ROWS, WIDTH) for _ in range(4)]
    if DEVICE != "cpu":
        batches = [batch.pin_memory() for batch in batches]
    stream = (batches[step % 4] for step in range(STEPS))
    model = layers(2, WIDTH)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    clock = Clock()
    for batch in copied_ahead(stream, torch.cuda) if fixed and streams else copied(stream):
        optimizer.zero_grad()
        loss = model(batch.to(HALF)).square().mean()
        loss.backward()
        optimizer.step()
        clock.step()
    return clock.seconds


if __name__ == "__main__":
    run(main)
