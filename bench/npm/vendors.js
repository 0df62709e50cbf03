// The vendors' REST for Apollo Server and Yoga, and DataLoaders where it can batch.
import DataLoader from 'dataloader';
import { Agent, request } from 'undici';
import { billingCustomer, correspondence, letter, letterCustomer, queryFields, types } from './schema.js';

const URLS = JSON.parse(process.env.BENCH_BACKENDS);
const TOKEN = process.env.BENCH_TOKEN;
const PAGE = 1000;
const dispatcher = new Agent({ keepAliveTimeout: 20_000 });
const headers = { authorization: `Bearer ${TOKEN}` };

async function get(backend, path) {
  const { statusCode, body } = await request(URLS[backend] + path, { dispatcher, headers });
  if (statusCode !== 200) throw new Error(`The vendor answered ${statusCode}.`);
  return body.json();
}

const lettersPage = (backend, size, page) =>
  get(backend, `/letter/list/limit/${size}/page/${page}/sort/date/sorttype/desc/token/${TOKEN}/`);

async function lettersOfCustomers(keys) {
  const byBackend = new Map();
  for (const backend of new Set(keys.map((key) => key.backend))) {
    const byCustomer = new Map();
    for (const row of (await lettersPage(backend, PAGE, 1)).items) {
      const letters = byCustomer.get(row.client_id);
      if (letters) letters.push(row);
      else byCustomer.set(row.client_id, [row]);
    }
    byBackend.set(backend, byCustomer);
  }
  return keys.map((key) => byBackend.get(key.backend).get(Number(key.nativeId)) ?? []);
}

const correspondenceOfCustomers = (keys) =>
  Promise.all(keys.map((key) => get(key.backend, `/customers/${key.nativeId}/correspondence/`)));

const cacheKeyFn = (key) => `${key.backend}:${key.nativeId}`;

export const context = () => ({
  letters: new DataLoader(lettersOfCustomers, { cacheKeyFn }),
  correspondence: new DataLoader(correspondenceOfCustomers, { cacheKeyFn }),
});

export const typeDefs = `${types} type Query { ${queryFields} }`;

export const resolvers = {
  Query: {
    customer: async (_, { by: { nativeId: { backend, nativeId } } }) =>
      billingCustomer(backend, await get(backend, `/customers/${nativeId}`)),
    customers: async (_, { backends: [backend], first }) => {
      if (backend.startsWith('billing')) {
        const rows = await get(backend, '/customers/');
        return { nodes: rows.slice(0, first).map((row) => billingCustomer(backend, row)) };
      }
      const { items } = await get(backend, `/client/list/limit/${first}/page/1/token/${TOKEN}/`);
      return { nodes: items.map((row) => letterCustomer(backend, row)) };
    },
    letters: async (_, { backends: [backend], first }) => {
      const size = Math.min(first, PAGE);
      const rows = [];
      while (rows.length < first) {
        const { items } = await lettersPage(backend, size, rows.length / size + 1);
        rows.push(...items);
      }
      return { nodes: rows.map(letter) };
    },
  },
  Customer: {
    letters: async (customer, { first }, { letters }) => ({
      nodes: (await letters.load(customer)).slice(0, first).map(letter),
    }),
    correspondence: async (customer, { first }, { correspondence: loader }) => ({
      nodes: (await loader.load(customer)).slice(0, first).map(correspondence),
    }),
  },
};
