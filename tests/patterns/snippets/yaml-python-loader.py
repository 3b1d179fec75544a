# slow
# below: safe_load yaml/__init__.py, load yaml/__init__.py, get_single_data yaml/constructor.py, fetch_more_tokens yaml/scanner.py
import yaml

def read(path):
    with open(path) as file:
        return yaml.safe_load(file)  # hot
# exempt: in C
# below: load yaml/__init__.py, get_single_data yaml/constructor.py, construct_document yaml/constructor.py
import yaml

def read(path):
    with open(path) as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)  # hot
# exempt: another library
# below: load ruamel/yaml/main.py, scan ruamel/yaml/scanner.py
from ruamel.yaml import YAML

def read(path):
    return YAML().load(path)  # hot
