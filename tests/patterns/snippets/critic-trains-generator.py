# slow
import torch

def critic_update(generator, critic, optimizer, real):
    fake = generator(torch.randn(len(real), 64))  # cause
    loss = critic(fake).mean() - critic(real).mean()
    optimizer.zero_grad()
    loss.backward()  # hot
    optimizer.step()
# exempt: detached
import torch

def critic_update(generator, critic, optimizer, real):
    fake = generator(torch.randn(len(real), 64))
    loss = critic(fake.detach()).mean() - critic(real).mean()
    optimizer.zero_grad()
    loss.backward()  # hot
    optimizer.step()
# exempt: without gradients
import torch

def critic_update(generator, critic, optimizer, real):
    with torch.no_grad():
        fake = generator(torch.randn(len(real), 64))
    loss = critic(fake).mean() - critic(real).mean()
    optimizer.zero_grad()
    loss.backward()  # hot
    optimizer.step()
# exempt: both are updated
import torch

def step(netG, netD, optimizer_d, optimizer_g, real, noise):
    fake = netG(noise)
    loss = netD(fake.detach()).mean() - netD(real).mean()
    loss.backward()
    optimizer_d.step()
    (-netD(fake).mean()).backward()  # hot
    optimizer_g.step()
# exempt: the generator's own update
import torch

def generator_update(generator, critic, optimizer, noise):
    fake = generator(noise)
    loss = -critic(fake).mean()
    loss.backward()  # hot
    optimizer.step()
