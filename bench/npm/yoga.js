// GraphQL Yoga, as its documentation starts it; with `jit`, queries are compiled by graphql-jit.
import { createServer } from 'node:http';
import { useGraphQlJit } from '@envelop/graphql-jit';
import { createSchema, createYoga } from 'graphql-yoga';
import { context, resolvers, typeDefs } from './vendors.js';

const [port, how] = process.argv.slice(2);
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context,
  plugins: how === 'jit' ? [useGraphQlJit()] : [],
  logging: 'error',
  graphiql: false,
});
createServer(yoga).listen(Number(port), '127.0.0.1');
