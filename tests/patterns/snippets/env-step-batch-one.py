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
