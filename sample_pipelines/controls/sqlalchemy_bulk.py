"""Rows inserted through SQLAlchemy in batches within one transaction, and grouped by the database."""

import numpy as np
from sqlalchemy import Column, Float, Integer, MetaData, Table, create_engine, func, insert, select

METADATA = MetaData()
PAYMENTS = Table(
    "payments", METADATA, Column("id", Integer, primary_key=True), Column("account", Integer), Column("amount", Float)
)


def batches(count=100, rows=8000):
    random = np.random.default_rng(0)
    for _ in range(count):
        accounts, amounts = random.integers(0, 900, rows).tolist(), random.gamma(2, 40, rows).tolist()
        yield [{"account": account, "amount": amount} for account, amount in zip(accounts, amounts)]


def main():
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for rows in batches():
            connection.execute(insert(PAYMENTS), rows)
        total = func.sum(PAYMENTS.c.amount)
        query = select(PAYMENTS.c.account, total).group_by(PAYMENTS.c.account).order_by(total.desc()).limit(3)
        print([(account, round(amount)) for account, amount in connection.execute(query)])


if __name__ == "__main__":
    main()
