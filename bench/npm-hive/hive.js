// Hive Gateway over the vendors' REST: the composed supergraph, and our schema on it by additional resolvers that ask
// it through the SDK in their context, where a batch of keys becomes one call, as its documentation shows.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import rest from '@graphql-mesh/transport-rest';

const [port, supergraph] = process.argv.slice(2);
const URLS = JSON.parse(process.env.BENCH_BACKENDS);
const PAGE = 1000;
const LETTER = 'id client_id date title status';

const additionalTypeDefs = /* GraphQL */ `
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
  extend type Query {
    customer(by: CustomerBy!): Customer
    customers(backends: [String!], first: Int! = 50): CustomerConnection!
    letters(backends: [String!], first: Int! = 50): LetterConnection!
  }
`;

const base = (backend) => new URL(URLS[backend]).pathname.slice(1);
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

function grouped({ items }, keys) {
  const byCustomer = new Map(keys.map((key) => [key, []]));
  for (const row of items) byCustomer.get(String(row.client_id))?.push(row);
  return keys.map((key) => byCustomer.get(key));
}

const additionalResolvers = {
  Query: {
    customer: async (root, { by: { nativeId: { backend, nativeId } } }, context, info) => {
      const args = { base: base(backend), id: nativeId };
      const selectionSet = '{ id accountNumber name email }';
      return billingCustomer(backend, await context.vendors.Query.billingCustomer({ root, args, context, info, selectionSet }));
    },
    customers: async (root, { backends: [backend], first }, context, info) => {
      if (backend.startsWith('billing')) {
        const args = { base: base(backend) };
        const selectionSet = '{ id accountNumber name email }';
        const rows = await context.vendors.Query.billingCustomers({ root, args, context, info, selectionSet });
        return { nodes: rows.slice(0, first).map((row) => billingCustomer(backend, row)) };
      }
      const args = { base: base(backend), size: first };
      const selectionSet = '{ items { id number name email } }';
      const { items } = await context.vendors.Query.letterClients({ root, args, context, info, selectionSet });
      return { nodes: items.map((row) => letterCustomer(backend, row)) };
    },
    letters: async (root, { backends: [backend], first }, context, info) => {
      const size = Math.min(first, PAGE);
      const selectionSet = `{ items { ${LETTER} } }`;
      const rows = [];
      while (rows.length < first) {
        const args = { base: base(backend), size, page: rows.length / size + 1 };
        const { items } = await context.vendors.Query.letterPage({ root, args, context, info, selectionSet });
        rows.push(...items);
      }
      return { nodes: rows.map(letter) };
    },
  },
  Customer: {
    letters: async (customer, { first }, context, info) => {
      const rows = await context.vendors.Query.letterPage({
        root: customer,
        context,
        info,
        key: customer.nativeId,
        argsFromKeys: () => ({ base: base(customer.backend), size: PAGE, page: 1 }),
        valuesFromResults: grouped,
        selectionSet: `{ items { ${LETTER} } }`,
      });
      return { nodes: rows.slice(0, first).map(letter) };
    },
    correspondence: async (customer, { first }, context, info) => {
      const args = { base: base(customer.backend), id: customer.nativeId };
      const selectionSet = '{ id correspondenceDate correspondenceType status }';
      const rows = await context.vendors.Query.billingDocuments({ root: customer, args, context, info, selectionSet });
      return { nodes: rows.slice(0, first).map(correspondence) };
    },
  },
};

const gateway = createGatewayRuntime({
  supergraph: readFileSync(supergraph, 'utf8'),
  transports: { rest },
  additionalTypeDefs,
  additionalResolvers,
  logging: 'error',
  graphiql: false,
  landingPage: false,
});
process.once('SIGTERM', () => process.exit()); // the runtime's own listener keeps the process up
createServer(gateway).listen(Number(port), '127.0.0.1');
