# healthy agents move when they are told
def run(events, agents):
    for event in events:
        for agent in agents:
            if agent.room == event.room:  # hot
                agent.handle(event)
# healthy particles move between the passes
def step(particles, cells):
    for t in range(1000):
        for p in particles:
            p.move()
        for cell in cells:
            cell.members = [p for p in particles if p.cell == cell.id]  # hot
# healthy three states
def split(rows):
    return {state: [r for r in rows if r["state"] == state] for state in ("new", "open", "done")}  # hot
# healthy a few tiers with limits
def tier(rows, tiers):
    for row in rows:
        row.tier = next(t.name for t in tiers if t.low <= row.value < t.high)  # hot
# healthy a threshold that remembers
import numpy as np
def hysteresis(x, low, high):
    out = np.zeros(len(x))
    on = False
    for i in range(len(x)):
        if x[i] > high:  # hot
            on = True
        elif x[i] < low:
            on = False
        out[i] = on
    return out
# healthy the last number that is there
import numpy as np
def ffill(x):
    x = np.asarray(x)
    last = np.nan
    out = np.empty(len(x))
    for i in range(len(x)):
        if not np.isnan(x[i]):  # hot
            last = x[i]
        out[i] = last
    return out
# healthy each variance comes out of the last one
import numpy as np
def garch(r, o, a, b):
    n = len(r)
    h = np.empty(n)
    h[0] = r.var()
    ll = 0.0
    for t in range(1, n):
        h[t] = o + a * r[t - 1] ** 2 + b * h[t - 1]  # hot
        ll += np.log(h[t]) + r[t] ** 2 / h[t]
    return ll
# healthy a probe in a field that moves
import numpy as np
def trace(n, steps):
    E = np.zeros(n)
    out = np.zeros(steps)
    for t in range(steps):
        E[1:] += 0.5 * (E[:-1] - E[1:])
        out[t] = E[3]  # hot
    return out
# healthy each cell takes what the pass has just written
import numpy as np
def sor(u, n):
    u = np.zeros((n, n))
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])  # hot
# healthy a row comes out of the row before
import numpy as np
def forward(pi, A, B, obs):
    T, N = len(obs), len(pi)
    alpha = np.zeros((T, N))
    alpha[0] = pi * B[:, obs[0]]
    for t in range(1, T):
        alpha[t] = (alpha[t - 1] @ A) * B[:, obs[t]]  # hot
    return alpha
# healthy the largest so far
import numpy as np
def drawdown(p):
    p = np.asarray(p)
    peak, worst = p[0], 0.0
    for i in range(len(p)):
        peak = max(peak, p[i])  # hot
        worst = max(worst, 1 - p[i] / peak)
    return worst
