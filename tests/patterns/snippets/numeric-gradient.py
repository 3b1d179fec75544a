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
