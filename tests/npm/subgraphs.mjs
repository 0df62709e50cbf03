// Two small subgraphs of other teams, which know Postroom's customers by what they have: one by id, one by code.
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';

// Relay too: it has a `node`, a `Node` and a `PageInfo` of its own.
const CRM = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@external", "@key", "@requires", "@shareable"])
  type Query {
    node(id: ID!): Node
    accounts(customers: [ID!]!): AccountConnection!
  }
  interface Node { id: ID! }
  type AccountConnection { nodes: [Account!]! pageInfo: PageInfo! }
  type PageInfo @shareable {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }
  type Account implements Node { id: ID! manager: String! customer: Customer }
  type Customer @key(fields: "id") {
    id: ID!
    manager: String!
    name: String @external
    greeting: String! @requires(fields: "name")
  }
`;

const SHOP = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { orders(buyers: [BuyerInput!]!): [Order!]! }
  input BuyerInput { backendKey: String! code: String! }
  type Order { number: String! buyer: Customer }
  type Customer @key(fields: "backendKey code") { backendKey: String! code: String orderCount: Int! }
`;

const manager = (id) => `Manager of ${id}`;
const pageInfo = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null };

const RESOLVERS = {
  crm: {
    Query: {
      accounts: (_, { customers }) => ({
        nodes: customers.map((id) => ({ id: `account-${id}`, manager: manager(id), customer: { id } })),
        pageInfo,
      }),
    },
    Node: { __resolveType: () => 'Account' },
    Customer: {
      __resolveReference: ({ id, name }) => ({ id, manager: manager(id), greeting: `Dear ${name}` }),
    },
  },
  shop: {
    Query: {
      orders: (_, { buyers }) => buyers.map((buyer, at) => ({ number: `O-${at + 1}`, buyer })),
    },
    Customer: { __resolveReference: ({ backendKey, code }) => ({ backendKey, code, orderCount: Number(code) }) },
  },
};

export const SUBGRAPHS = { crm: CRM, shop: SHOP };

/** Serves both on a free loopback port; gives its address and what ends it. */
export async function serveSubgraphs() {
  const handlers = Object.fromEntries(
    Object.entries(SUBGRAPHS).map(([name, sdl]) => [
      `/${name}`,
      createHandler({ schema: buildSubgraphSchema({ typeDefs: parse(sdl), resolvers: RESOLVERS[name] }) }),
    ]),
  );
  const server = createServer((request, response) => handlers[request.url](request, response));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
