// node relay.mjs SCHEMA FOLDER ENDPOINT: compiles relay/ into a folder, and runs it against the endpoint; as JSON.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import compiler from 'relay-compiler';
import relay from 'relay-runtime';

const { createOperationDescriptor, Environment, fetchQuery, getSingularSelector, Network, RecordSource, Store } = relay;
const [schema, folder, endpoint] = process.argv.slice(2);

function compile() {
  cpSync(join(import.meta.dirname, 'relay'), join(folder, 'src'), { recursive: true });
  copyFileSync(schema, join(folder, 'schema.graphql'));
  mkdirSync(join(folder, 'src', '__generated__'));
  const settings = { src: './src', schema: './schema.graphql', language: 'javascript', eagerEsModules: false };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ relay: settings }));
  const { status, stdout, stderr } = spawnSync(compiler, [], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`relay-compiler: ${stdout}${stderr}`);
}

function compiled(name) {
  return createRequire(import.meta.url)(join(folder, 'src', '__generated__', `${name}.graphql.js`));
}

async function ask({ text, name }, variables) {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: text, operationName: name, variables }),
  });
  return answer.json();
}

compile();
const query = compiled('CustomersQuery');
const list = compiled('Customers_list');
const letters = compiled('Customers_letters');
const environment = new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
const read = (fragment, reference) => environment.lookup(getSingularSelector(fragment, reference)).data;

const first = { count: 2, cursor: null };
const load = (request, variables) => fetchQuery(environment, request, variables).toPromise();
await load(query, first);
const shown = () => read(list, environment.lookup(createOperationDescriptor(query, first).fragment).data).customers;
const sizes = [shown().edges.length];
for (let more = 2; more <= 3; more++) {
  await load(compiled('CustomersPaginationQuery'), { count: 2, cursor: shown().pageInfo.endCursor });
  sizes.push(shown().edges.length);
}

const zephyr = shown().edges[0].node;
const before = read(letters, zephyr);
await load(compiled('CustomersLettersPaginationQuery'), {
  id: zephyr.id,
  count: 2,
  cursor: before.letters.pageInfo.endCursor,
});
const titles = (customer) => customer.letters.edges.map(({ node }) => node.title);

console.log(
  JSON.stringify({
    sizes,
    codes: shown().edges.map(({ node }) => node.code),
    name: before.name,
    letters: { before: titles(before), after: titles(read(letters, zephyr)) },
  }),
);
process.exit(0);
