// node.js - node-postgres and its pool, run by src/test/t/022_clients.pl.
//
// A statement with a name is prepared once for each connection. (Values travel as text: node-postgres has no other way for them.)

const { Pool } = require('pg');

// OPERATIONS.md

async function orders(client) {
  const result = await client.query({
    name: 'orders', text: 'SELECT id FROM orders WHERE id > $1::integer ORDER BY id', values: [0], rowMode: 'array' });
  return result.rows.map(row => row[0]).join(',');
}

async function backend(client) {
  return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
}

async function main(pool, ann, ben) {
  const seen = { [ann]: new Set(), [ben]: new Set() };
  const backends = new Set();
  const read = async token => seen[token].add(await asUser(pool, token, orders));
  const print = (name, token) => console.log(name, [...seen[token]].join(' '));

  for (let i = 0; i < 30; i++) await read(ann);
  print('ann', ann);

  await asUser(pool, ann, async client => {
    await client.query("SELECT FROM spsa_activate_own('all_orders')");
    console.log('ann, activated', await orders(client));
    backends.add(await backend(client));
    throw new RangeError();
  }).catch(error => { if (!(error instanceof RangeError)) throw error; });
  console.log('ann, rolled back', await asUser(pool, ann, orders));

  for (let i = 0; i < 30; i++) {
    for (const token of [ben, ann]) {
      await read(token);
      backends.add(await asUser(pool, token, backend));
    }
  }
  print('ben', ben);
  print('ann', ann);
  await asUser(pool, ann, async client => {
    const plans = await client.query("SELECT bool_or(generic_plans > 0) AS generic FROM pg_prepared_statements WHERE statement LIKE '%FROM orders%'");
    console.log('generic plans', plans.rows[0].generic ? 'True' : 'False');
  });

  await asUser(pool, ann, client => client.query('INSERT INTO once VALUES (1)')).catch(error => console.log('commit', error.code));
  const client = await pool.connect();
  await orders(client).then(ids => console.log('nobody', ids), error => console.log('nobody', error.code));
  client.release();

  await asUser(pool, ann, client => client.query("SELECT FROM spsa_activate_own('all_orders')"));
  await asUser(pool, ann, async client => {
    console.log('ann, active', await orders(client));
    await client.query("SELECT spsa_deactivate_own('all_orders')");
  });
  await asUser(pool, ben, async client => {
    console.log('ben', await orders(client));
  });
  console.log('connections', backends.size);
}

const pool = new Pool({ host: process.env.PGHOST, max: 1 });
main(pool, process.env.ANN, process.env.BEN)
  .catch(error => { console.log(error); process.exitCode = 1; })
  .finally(() => pool.end());
