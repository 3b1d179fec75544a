# slow
# below: __init__ pydantic/type_adapter.py, _init_core_attrs pydantic/type_adapter.py
# known: handler=True
from pydantic import TypeAdapter

def rows(data):
    return TypeAdapter(list[Row]).validate_python(data)  # hot
# exempt: at module level
# below: __init__ pydantic/type_adapter.py
from pydantic import TypeAdapter

ROWS = TypeAdapter(list[Row])  # hot
