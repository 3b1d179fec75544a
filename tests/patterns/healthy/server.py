# healthy
# known: handler=True event_loop=True
import asyncio

import torch
from fastapi import FastAPI

app = FastAPI()

def predict(model, rows):
    with torch.inference_mode():
        return model(torch.tensor(rows)).max(dim=1)

@app.post("/classify")
async def classify(tokens: list[int]) -> dict:
    return await app.state.batcher.ask(tokens[:64])

async def run(model, waiting):
    while True:
        batch = [await waiting.get()]
        while len(batch) < 16 and not waiting.empty():
            batch.append(waiting.get_nowait())
        scores, labels = await asyncio.to_thread(predict, model, [tokens for tokens, _ in batch])
        for (_, answer), score, label in zip(batch, scores.tolist(), labels.tolist()):
            answer.set_result((score, label))
