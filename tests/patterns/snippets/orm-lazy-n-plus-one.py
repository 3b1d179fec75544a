# slow
# below: __get__ sqlalchemy/orm/attributes.py, get sqlalchemy/orm/attributes.py, _load_for_state sqlalchemy/orm/strategies.py, _emit_lazyload sqlalchemy/orm/strategies.py, do_execute sqlalchemy/engine/default.py
def totals(session, orders):
    for order in session.scalars(orders):
        total = sum(item.price for item in order.items)  # hot
# exempt: loaded with the query
# below: __get__ sqlalchemy/orm/attributes.py
def totals(session, orders):
    for order in session.scalars(orders):
        total = sum(item.price for item in order.items)  # hot
