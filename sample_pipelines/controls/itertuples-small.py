"""Python per row on a table of a thousand rows, then training: a loop that is not worth vectorising."""

import numpy as np
import pandas as pd
import torch


def main():
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    shops = pd.DataFrame({"turnover": random.gamma(2, 50, 1000), "staff": random.integers(1, 20, 1000)})
    per_head = [shop.turnover / shop.staff for shop in shops.itertuples(index=False)]
    shops["large"] = shops.apply(lambda shop: shop["turnover"] > 100 and shop["staff"] > 5, axis=1)
    features = torch.tensor(np.column_stack([per_head, shops["large"]]), dtype=torch.float32)
    target = torch.from_numpy(shops["turnover"].to_numpy("float32") / 100)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for step in range(200):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(features)[:, 0], target)
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
