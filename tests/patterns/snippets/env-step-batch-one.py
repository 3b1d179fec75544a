# slow
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py, forward torch/nn/modules/container.py
import gymnasium as gym
import torch

def play(policy, steps):
    env = gym.make("CartPole-v1")
    state, _ = env.reset()
    for _ in range(steps):
        action = policy(torch.as_tensor(state).unsqueeze(0))  # hot
        state, *_ = env.step(int(action.argmax()))
# exempt: many environments
# below: _wrapped_call_impl torch/nn/modules/module.py
import gymnasium as gym
import torch

def play(policy, steps):
    envs = gym.make_vec("CartPole-v1", num_envs=16)
    states, _ = envs.reset()
    for _ in range(steps):
        actions = policy(torch.as_tensor(states))  # hot
        states, *_ = envs.step(actions.argmax(1).numpy())
# slow: an environment of the program's own, and a method that acts
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/container.py
import torch

class Agent:
    def act(self, state):
        scores = self.policy(torch.tensor(state).unsqueeze(0))  # hot
        return int(scores.argmax())

def play(env, agent):
    state, done = env.reset(), False
    while not done:
        state, reward, done = env.step(agent.act(state))
# exempt: many environments of the program's own
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/container.py
import torch

class Agent:
    def act(self, states):
        scores = self.policy(torch.tensor(states).unsqueeze(0))  # hot
        return scores.argmax(2)

def play(envs, agent, steps):
    states = envs.reset()
    for _ in range(steps):
        states, rewards, done = envs.step(agent.act(states))
        states[done] = envs.reset(done)
# exempt: an optimizer steps
# below: _wrapped_call_impl torch/nn/modules/module.py, forward torch/nn/modules/container.py
import torch

def fit(model, optimizer, items):
    for item in items:
        loss = model(torch.tensor(item).unsqueeze(0)).sum()  # hot
        loss.backward()
        optimizer.step()
