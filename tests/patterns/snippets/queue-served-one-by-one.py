# slow: one consumer of an asyncio queue, the model in a thread
# known: share=0.5
# below: _wrapped_call_impl torch/nn/modules/module.py
import asyncio
import torch

class Scorer:
    def score(self, windows):
        ids = torch.tensor(windows)
        return self.model(ids).tolist()  # hot

async def score_loop(app):
    loop = asyncio.get_running_loop()
    queue = app["queue"]
    while True:
        job = await queue.get()  # cause
        [value] = await loop.run_in_executor(app["pool"], app["scorer"].score, [job.events])
        job.done.set_result(value)
# slow: a thread with a queue
# known: share=0.5
# below: _wrapped_call_impl torch/nn/modules/module.py
def predict(model, images):
    return model(images).argmax(1)  # hot

def consume(model, jobs):
    while True:
        image, answer = jobs.get()  # cause
        label = predict(model, image.unsqueeze(0))
        answer.set_result(int(label))
# exempt: it takes what waits
# known: share=0.5
# below: _wrapped_call_impl torch/nn/modules/module.py
def predict(model, images):
    return model(images).argmax(1)  # hot

def consume(model, jobs):
    while True:
        batch = [jobs.get()]
        while not jobs.empty() and len(batch) < 32:
            batch.append(jobs.get_nowait())
        for job, label in zip(batch, predict(model, [job.image for job in batch])):
            job.done.set_result(label)
# exempt: jobs that are batches themselves
# known: share=0.5
# below: _wrapped_call_impl torch/nn/modules/module.py
def predict(model, images):
    return model(images).argmax(1)  # hot

def consume(model, jobs):
    while True:
        job = jobs.get()
        job.done.set_result(predict(model, job.images))
