# slow
# below: minimize scipy/optimize/_minimize.py, _minimize_lbfgsb scipy/optimize/_lbfgsb_py.py, fun_and_grad scipy/optimize/_differentiable_functions.py, approx_derivative scipy/optimize/_numdiff.py, cost job.py
from scipy.optimize import minimize

def fit(cost, x0):
    return minimize(cost, x0, method="L-BFGS-B")  # hot
# exempt: the gradient is given
# below: minimize scipy/optimize/_minimize.py, _minimize_lbfgsb scipy/optimize/_lbfgsb_py.py, fun_and_grad scipy/optimize/_differentiable_functions.py, cost job.py
from scipy.optimize import minimize

def fit(cost, x0):
    return minimize(cost, x0, jac=True, method="L-BFGS-B")  # hot
# exempt: each value is the run of a simulation
# below: minimize scipy/optimize/_minimize.py, _minimize_lbfgsb scipy/optimize/_lbfgsb_py.py, fun_and_grad scipy/optimize/_differentiable_functions.py, approx_derivative scipy/optimize/_numdiff.py, cost job.py
import subprocess
from scipy.optimize import minimize

def cost(x):
    return float(subprocess.check_output(["simulate", *map(str, x)]))

def fit(x0):
    return minimize(cost, x0, method="L-BFGS-B")  # hot
# slow: in an older interface, whose own frame is seen
# below: fmin_l_bfgs_b scipy/optimize/_lbfgsb_py.py, _minimize_lbfgsb scipy/optimize/_lbfgsb_py.py
import numpy as np
from scipy.optimize import fmin_l_bfgs_b

class Trend:
    def energy(self, x):
        return np.sqrt(1 + (x - self.y) ** 2).sum()

    def solve(self):
        return fmin_l_bfgs_b(self.energy, self.start, approx_grad=True, maxfun=10**7)  # hot
# exempt: the gradient is given
# below: fmin_l_bfgs_b scipy/optimize/_lbfgsb_py.py, _minimize_lbfgsb scipy/optimize/_lbfgsb_py.py
from scipy.optimize import fmin_l_bfgs_b

def solve(energy, slope, start):
    return fmin_l_bfgs_b(energy, start, fprime=slope)  # hot
