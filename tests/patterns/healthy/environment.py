# healthy
# known: step=True
import math
import random

import gymnasium
import torch

class Pole(gymnasium.Env):
    def step(self, action):
        x, v, angle, turn = self.state
        force = 10.0 if action == 1 else -10.0
        turn = turn + 0.02 * force * math.cos(angle)
        self.state = [x + 0.02 * v, v + 0.02 * force, angle + 0.02 * turn, turn]
        return self.state, 1.0, abs(angle) > 0.2, False, {}

def play(env, policy, steps):
    state, _ = env.reset()
    rewards = []
    for _ in range(steps):
        with torch.no_grad():
            action = int(policy(torch.tensor(state)).argmax())
        state, reward, done, _, _ = env.step(action)
        rewards.append(reward)
        if done or random.random() < 0.01:
            state, _ = env.reset()
    return sum(rewards)
