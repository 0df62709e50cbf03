// node router.mjs POSTROOM_URL < OPERATIONS: composes Postroom, as it describes itself, with two other subgraphs, and
// asks @apollo/gateway. Standard input holds a list of {query, variables}; printed are the answers, each with what
// Postroom was asked for it.
import { readFileSync } from 'node:fs';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { SUBGRAPHS, serveSubgraphs } from './subgraphs.mjs';

const postroom = process.argv[2];
const others = await serveSubgraphs();

async function sdlOf(url) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'query { _service { sdl } }' }),
  });
  return (await answer.json()).data._service.sdl;
}

const { supergraphSdl, errors } = composeServices([
  { name: 'postroom', url: postroom, typeDefs: parse(await sdlOf(postroom)) },
  ...Object.entries(SUBGRAPHS).map(([name, sdl]) => ({ name, url: `${others.url}/${name}`, typeDefs: parse(sdl) })),
]);
if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));

let asked = [];
class Watched extends RemoteGraphQLDataSource {
  willSendRequest({ request }) {
    if (this.url === postroom) asked.push({ query: request.query, variables: request.variables });
  }
}
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const gateway = new ApolloGateway({ supergraphSdl, buildService: ({ url }) => new Watched({ url }), logger: quiet });
const { schema, executor } = await gateway.load();

const answers = [];
for (const { query, variables = {} } of JSON.parse(readFileSync(0, 'utf8'))) {
  asked = [];
  const request = { query, variables };
  const context = { request, document: parse(query), queryHash: query, schema, context: {}, logger: quiet, metrics: {} };
  const { data, errors: failures } = await executor(context);
  answers.push({ data, errors: failures ?? [], asked });
}
console.log(JSON.stringify(answers));
await gateway.stop();
others.close();
