// node apollo_client.mjs ENDPOINT INPUTS: what Apollo Client makes of the endpoint, as JSON.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { newCache } from './apollo_cache.mjs';

const endpoint = process.argv[2];
const { letter, customer, document, dispatch } = JSON.parse(process.argv[3]);

const client = (link = new HttpLink({ uri: endpoint })) =>
  new ApolloClient({ link, cache: newCache(), incrementalHandler: new GraphQL17Alpha9Handler() });

/** Watches a query until a result is what is waited for; gives all that it showed on the way. */
function watch(apollo, options, until = ({ dataState }) => dataState === 'complete') {
  const shown = [];
  return new Promise((done, failed) => {
    apollo.watchQuery(options).subscribe((result) => {
      if (result.error) failed(result.error);
      if (result.dataState === 'empty') return;
      shown.push(result);
      if (until(result)) done(shown);
    });
  });
}

async function pages() {
  const CUSTOMERS = gql`
    query Customers($first: Int! = 3, $after: String) {
      customers(backends: ["kashflow"], first: $first, after: $after) {
        edges { cursor node { id code } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  `;
  const apollo = client();
  const watched = apollo.watchQuery({ query: CUSTOMERS });
  const nine = new Promise((done) => {
    watched.subscribe(({ data }) => {
      const codes = data?.customers?.edges.map(({ node }) => node.code) ?? [];
      if (codes.length >= 9) done(codes);
    });
  });
  await apollo.query({ query: CUSTOMERS });
  for (let page = 2; page <= 3; page++) {
    const { endCursor } = apollo.readQuery({ query: CUSTOMERS }).customers.pageInfo;
    await watched.fetchMore({ variables: { after: endCursor } });
  }
  return { codes: await nine, pageInfo: apollo.readQuery({ query: CUSTOMERS }).customers.pageInfo };
}

async function failure() {
  const result = await client().query({
    query: gql`
      query Customer($id: ID!) { customer(by: { id: $id }) { id name letters(first: 0) { nodes { id } } } }
    `,
    variables: { id: customer },
    errorPolicy: 'all',
  });
  return {
    name: result.data.customer.name,
    letters: result.data.customer.letters,
    combined: CombinedGraphQLErrors.is(result.error),
    codes: result.error.errors.map(({ path, extensions }) => [path, extensions.code]),
  };
}

async function update() {
  const apollo = client();
  const LETTER = gql`query Letter($id: ID!) { node(id: $id) { id ... on Letter { title } } }`;
  const options = { query: LETTER, variables: { id: letter } };
  const [{ data: before }] = await watch(apollo, options);
  const renamed = watch(apollo, options, ({ data }) => data.node.title !== before.node.title);
  const { data } = await apollo.mutate({
    mutation: gql`
      mutation Rename($input: UpdateLetterInput!) {
        updateLetter(input: $input) { letter { id title } problems { code } }
      }
    `,
    variables: { input: { id: letter, title: 'Renamed by a client' } },
  });
  const shown = (await renamed).map((result) => result.data.node.title);
  return { problems: data.updateLetter.problems, before: before.node.title, shown };
}

async function deferred() {
  const query = gql`
    query Deferred($id: ID!) { customer(by: { id: $id }) { id name ... @defer { counterparts { id name } } } }
  `;
  const shown = await watch(client(), { query, variables: { id: customer } });
  return shown.map(({ dataState, data }) => [dataState, data.customer.name, data.customer.counterparts?.length ?? null]);
}

async function followed() {
  const socket = createClient({ url: endpoint.replace('http', 'ws'), webSocketImpl: WebSocket });
  const apollo = client(new GraphQLWsLink(socket));
  const states = [];
  await new Promise((complete, error) =>
    apollo
      .subscribe({
        query: gql`subscription ($id: ID!) { dispatchProgress(id: $id) { id state counts { accepted total } } }`,
        variables: { id: dispatch },
      })
      .subscribe({ next: ({ data }) => states.push(data.dispatchProgress), complete, error }),
  );
  await socket.dispose();
  return states.at(-1);
}

async function persisted() {
  const sent = [];
  const watch = new ApolloLink((operation, forward) => {
    sent.push({ ...operation.getContext().http, ...operation.extensions.persistedQuery });
    return forward(operation);
  });
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const link = ApolloLink.from([new PersistedQueryLink({ sha256 }), watch, new HttpLink({ uri: endpoint })]);
  const asked = { query: gql`query Backends { backends { id key } }`, fetchPolicy: 'network-only' };
  const apollo = client(link);
  const { data } = await apollo.query(asked);
  await apollo.query(asked);
  return { backends: data.backends.length, tries: sent.map(({ includeQuery }) => includeQuery) };
}

async function types() {
  const apollo = client();
  const { data } = await apollo.query({
    query: gql`
      query Timeline($id: ID!) {
        documents(customers: [$id], withCounterparts: true, first: 50) {
          nodes { __typename id ... on Letter { pageCount } ... on Correspondence { number } }
        }
      }
    `,
    variables: { id: customer },
  });
  const kept = Object.keys(apollo.cache.extract()).map((key) => key.split(':')[0]);
  const found = data.documents.nodes.map(({ __typename }) => __typename);
  return { found: [...new Set(found)].sort(), kept: [...new Set(kept)].filter((name) => found.includes(name)).sort() };
}

const told = {};
for (const [name, work] of Object.entries({ pages, failure, update, deferred, followed, persisted, types }))
  told[name] = await work();
console.log(JSON.stringify(told));
process.exit(0);
