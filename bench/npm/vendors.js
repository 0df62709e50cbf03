// The vendors' REST for all GraphQL servers of this folder, one schema over it, and DataLoaders where it can batch.
import DataLoader from 'dataloader';
import { Agent, request } from 'undici';

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

export const typeDefs = /* GraphQL */ `
  scalar Date
  enum DocumentState { DRAFT READY SENT DELIVERED UNKNOWN }
  type Letter { nativeId: String! date: Date title: String state: DocumentState! }
  type Correspondence { nativeId: String! date: Date title: String state: DocumentState! }
  type LetterConnection { nodes: [Letter!]! }
  type CorrespondenceConnection { nodes: [Correspondence!]! }
  type Customer {
    nativeId: String!
    code: String
    name: String
    emails: [String!]
    letters(first: Int! = 25): LetterConnection
    correspondence(first: Int! = 25): CorrespondenceConnection
  }
  type CustomerConnection { nodes: [Customer!]! }
  input CustomerNativeId { backend: String! nativeId: String! }
  input CustomerBy { nativeId: CustomerNativeId! }
  type Query {
    customer(by: CustomerBy!): Customer
    customers(backends: [String!], first: Int! = 50): CustomerConnection!
    letters(backends: [String!], first: Int! = 50): LetterConnection!
  }
`;

const addresses = (text) => text.split(',').map((one) => one.trim());

const billingCustomer = (backend, row) => ({
  backend,
  nativeId: row.id,
  code: row.accountNumber,
  name: row.name,
  emails: addresses(row.email),
});

const letterCustomer = (backend, row) => ({
  backend,
  nativeId: String(row.id),
  code: String(row.number),
  name: row.name,
  emails: row.email ? [row.email] : [],
});

const LETTER_STATES = { 1: 'SENT', 7: 'DRAFT' };
const STATES = [['Delivered', 'DELIVERED'], ['Emailed', 'SENT'], ['Ready', 'READY']];

const letter = (row) => ({
  nativeId: String(row.id),
  date: row.date,
  title: row.title,
  state: LETTER_STATES[row.status] ?? 'UNKNOWN',
});

const correspondence = (row) => ({
  nativeId: row.id,
  date: row.correspondenceDate,
  title: row.correspondenceType,
  state: STATES.find(([status]) => row.status.includes(status))?.[1] ?? 'UNKNOWN',
});

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
