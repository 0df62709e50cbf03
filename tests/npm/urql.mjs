// node urql.mjs ENDPOINT INPUTS: what urql makes of the endpoint, as JSON.
import { Client, fetchExchange, gql } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { buildClientSchema, getIntrospectionQuery } from 'graphql';

const url = process.argv[2];
const { customer, letter, dispatch } = JSON.parse(process.argv[3]);

const answers = [];
async function watchedFetch(address, options) {
  const answer = await fetch(address, options);
  answers.push({ accept: options.headers.accept, type: answer.headers.get('content-type') });
  return answer;
}

const introspected = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: getIntrospectionQuery() }),
});
const schema = (await introspected.json()).data;
buildClientSchema(schema); // it is whole

const client = () =>
  new Client({
    url,
    fetch: watchedFetch,
    fetchSubscriptions: true,
    preferGetMethod: false,
    exchanges: [
      cacheExchange({
        schema,
        resolvers: { Query: { customers: relayPagination() } },
        keys: {
          BackendBudget: () => null,
          BackendHealth: () => null,
          DispatchCounts: () => null,
        },
      }),
      fetchExchange,
    ],
  });

async function pages() {
  const urql = client();
  const CUSTOMERS = gql`
    query Customers($after: String) {
      customers(backends: ["kashflow"], first: 3, after: $after) {
        edges { cursor node { id code } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  `;
  answers.length = 0;
  let { data } = await urql.query(CUSTOMERS, {}).toPromise();
  const first = { ...answers[0] };
  for (let page = 2; page <= 3; page++)
    ({ data } = await urql.query(CUSTOMERS, { after: data.customers.pageInfo.endCursor }).toPromise());
  return { first, codes: data.customers.edges.map(({ node }) => node.code) };
}

async function failure() {
  const { data, error } = await client()
    .query(
      gql`query Customer($id: ID!) { customer(by: { id: $id }) { id name letters(first: 0) { nodes { id } } } }`,
      { id: customer },
    )
    .toPromise();
  return {
    name: data.customer.name,
    letters: data.customer.letters,
    codes: error.graphQLErrors.map(({ path, extensions }) => [path, extensions.code]),
  };
}

async function update() {
  const urql = client();
  const LETTER = gql`query Letter($id: ID!) { node(id: $id) { __typename id ... on Letter { title } } }`;
  const titles = [];
  const renamed = new Promise((done) => {
    urql.query(LETTER, { id: letter }).subscribe(({ data }) => {
      titles.push(data.node.title);
      if (titles.length === 2) done();
    });
  });
  await urql.query(LETTER, { id: letter }).toPromise();
  await urql
    .mutation(
      gql`
        mutation Rename($input: UpdateLetterInput!) {
          updateLetter(input: $input) { letter { id title } problems { code } }
        }
      `,
      { input: { id: letter, title: 'Renamed by a client' } },
    )
    .toPromise();
  await renamed;
  return titles;
}

async function deferred() {
  const states = [];
  answers.length = 0;
  const DEFERRED = gql`
    query Deferred($id: ID!) { customer(by: { id: $id }) { id name ... @defer { counterparts { id name } } } }
  `;
  await new Promise((done) =>
    client()
      .query(DEFERRED, { id: customer })
      .subscribe(({ data, hasNext, error }) => {
        states.push([hasNext, data?.customer?.name ?? null, data?.customer?.counterparts?.length ?? null, error?.message]);
        if (!hasNext) done();
      }),
  );
  return { states, type: answers[0].type.split(';')[0] };
}

async function followed() {
  answers.length = 0;
  const states = [];
  const PROGRESS = gql`subscription ($id: ID!) { dispatchProgress(id: $id) { id state counts { accepted total } } }`;
  await new Promise((done) => {
    client()
      .subscription(PROGRESS, { id: dispatch })
      .subscribe(({ data, hasNext }) => {
        if (data) states.push([data.dispatchProgress.state, data.dispatchProgress.counts.accepted]);
        if (!hasNext) done();
      });
  });
  return { last: states.at(-1), type: answers[0].type.split(';')[0] };
}

const told = {};
for (const [name, work] of Object.entries({ pages, failure, update, deferred, followed })) told[name] = await work();
console.log(JSON.stringify(told));
process.exit(0);
