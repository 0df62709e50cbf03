// node sockets.mjs ENDPOINT INPUTS: a subscription to its end by graphql-ws and by graphql-sse, as JSON.
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.argv[2];
const { dispatch, missing } = JSON.parse(process.argv[3]);
const PROGRESS = 'subscription ($id: ID!) { dispatchProgress(id: $id) { id state counts { accepted total } } }';

async function followed(client, id) {
  let last;
  try {
    for await (const result of client.iterate({ query: PROGRESS, variables: { id } })) last = result;
  } catch (errors) {
    last = { errors }; // an operation that is refused, as graphql-ws tells it
  }
  const { data, errors } = last;
  return { state: data?.dispatchProgress?.state ?? null, codes: (errors ?? []).map(({ extensions }) => extensions.code) };
}

async function query(client) {
  const results = [];
  for await (const result of client.iterate({ query: '{ backends { key } }' })) results.push(result);
  return results.map(({ data }) => data.backends.length);
}

const clients = {
  'graphql-ws': createWsClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket }),
  'graphql-sse': createSseClient({ url }),
};
const told = {};
for (const [name, client] of Object.entries(clients)) {
  told[name] = {
    followed: await followed(client, dispatch),
    missing: await followed(client, missing),
    query: await query(client),
  };
  await client.dispose();
}
console.log(JSON.stringify(told));
process.exit(0);
