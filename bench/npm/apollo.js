// Apollo Server, as its documentation starts it.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { context, resolvers, typeDefs } from './vendors.js';

const server = new ApolloServer({ typeDefs, resolvers, csrfPrevention: true });
await startStandaloneServer(server, {
  listen: { port: Number(process.argv[2]), host: '127.0.0.1' },
  context: async () => context(),
});
