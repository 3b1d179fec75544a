"""An agent learns to balance poles: their physics in Python is the work, and the policy sees all of them at once."""

import math

import torch

POLES, STEPS = 64, 700


class Pole:
    """A pole on a cart, by the method of Euler in ten small steps."""

    def __init__(self, angle):
        self.state = (0.0, 0.0, angle, 0.0)

    def step(self, push):
        at, speed, angle, turning = self.state
        for _ in range(10):
            force = (10.0 if push else -10.0) + 0.05 * turning * turning * math.sin(angle)
            bend = (9.8 * math.sin(angle) - math.cos(angle) * force / 1.1) / (0.67 - 0.05 * math.cos(angle) ** 2)
            speed += 0.002 * (force - 0.05 * bend * math.cos(angle)) / 1.1
            turning += 0.002 * bend
            at, angle = at + 0.002 * speed, angle + 0.002 * turning
        fallen = abs(angle) > 0.4
        self.state = (0.0, 0.0, 0.02, 0.0) if fallen else (at, speed, angle, turning)
        return self.state, 0.0 if fallen else 1.0


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    poles = [Pole(0.01 * (number % 7 - 3)) for number in range(POLES)]
    policy = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.Tanh(), torch.nn.Linear(32, 2))
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.01)
    states = torch.tensor([pole.state for pole in poles])
    for _ in range(STEPS):
        choice = torch.distributions.Categorical(logits=policy(states))
        pushes = choice.sample()
        seen = [pole.step(push) for pole, push in zip(poles, pushes.tolist(), strict=True)]
        states = torch.tensor([state for state, _ in seen])
        rewards = torch.tensor([reward for _, reward in seen])
        loss = -(choice.log_prob(pushes) * (rewards - rewards.mean())).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"reward {rewards.mean().item():.2f}")


if __name__ == "__main__":
    main()
