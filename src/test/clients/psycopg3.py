# psycopg3.py - psycopg 3 and its pool, run by src/test/t/022_clients.pl.
#
# Statements are prepared by psycopg itself, after some executions, and kept with the connection until a ROLLBACK; parameters and results are binary.

import os
from contextlib import contextmanager
import psycopg
from psycopg_pool import ConnectionPool

# OPERATIONS.md

def orders(connection):
    with connection.cursor(binary=True) as cursor:
        cursor.execute('SELECT id FROM orders WHERE id > %b ORDER BY id', (0,))
        return ','.join(str(row[0]) for row in cursor)

def backend(connection):
    return connection.execute('SELECT pg_backend_pid()').fetchone()[0]

ann, ben = os.environ['ANN'], os.environ['BEN']
seen, backends = {ann: set(), ben: set()}, set()

with ConnectionPool('', min_size=1, max_size=1) as pool:
    for i in range(30):
        with as_user(pool, ann) as connection:
            seen[ann].add(orders(connection))
    print('ann', *seen[ann])

    try:
        with as_user(pool, ann) as connection:
            connection.execute("SELECT FROM spsa_activate_own('all_orders')")
            print('ann, activated', orders(connection))
            backends.add(backend(connection))
            raise RuntimeError
    except RuntimeError:
        pass
    with as_user(pool, ann) as connection:
        print('ann, rolled back', orders(connection))

    for i in range(30):
        for token in ben, ann:
            with as_user(pool, token) as connection:
                seen[token].add(orders(connection))
                backends.add(backend(connection))
    print('ben', *seen[ben])
    print('ann', *seen[ann])
    with as_user(pool, ann) as connection:
        plans = connection.execute("SELECT bool_or(generic_plans > 0) FROM pg_prepared_statements WHERE statement LIKE '%FROM orders%'")
        print('generic plans', plans.fetchone()[0])

    try:
        with as_user(pool, ann) as connection:
            connection.execute('INSERT INTO once VALUES (1)')
    except psycopg.Error as error:
        print('commit', error.sqlstate)
    try:
        with pool.connection() as connection:
            print('nobody', orders(connection))
    except psycopg.Error as error:
        print('nobody', error.sqlstate)

    with as_user(pool, ann) as connection:
        connection.execute("SELECT FROM spsa_activate_own('all_orders')")
    with as_user(pool, ann) as connection:
        print('ann, active', orders(connection))
        connection.execute("SELECT spsa_deactivate_own('all_orders')")
    with as_user(pool, ben) as connection:
        print('ben', orders(connection))
    print('connections', len(backends))
