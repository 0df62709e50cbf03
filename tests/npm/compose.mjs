// node compose.mjs < {sdls, query}: what both composers make of subgraphs, by name, as JSON. Without `sdls.crm` and the
// like it is Postroom and the two of subgraphs.mjs. A query is held against what a router then offers its clients.
import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { composeServices as composeByTheGuild } from '@theguild/federation-composition';
import { buildSchema, parse, validate } from 'graphql';
import { SUBGRAPHS } from './subgraphs.mjs';

const { sdls, query } = JSON.parse(readFileSync(0, 'utf8'));
const all = Object.keys(sdls).length > 1 ? sdls : { ...sdls, ...SUBGRAPHS };
const services = Object.entries(all).map(([name, sdl]) => ({
  name,
  url: `http://${name}.example/graphql`,
  typeDefs: parse(sdl),
}));

function told(composed) {
  const errors = (composed.errors ?? []).map(({ message }) => message);
  if (errors.length > 0) return { errors };
  const supergraph = buildSchema(composed.supergraphSdl, { assumeValidSDL: true });
  return {
    errors,
    hints: (composed.hints ?? []).map(({ message }) => message),
    queries: Object.keys(supergraph.getQueryType().getFields()).sort(),
    customer: Object.keys(supergraph.getType('Customer').getFields()).sort(),
    directives: Object.fromEntries(
      ['cost', 'listSize', 'tag', 'requiresScopes'].map((name) => [
        name,
        composed.supergraphSdl.split(`@${name}`).length - 1,
      ]),
    ),
    queryErrors: query ? validate(supergraph, parse(query)).map(({ message }) => message) : [],
  };
}

console.log(JSON.stringify({ apollo: told(composeServices(services)), guild: told(composeByTheGuild(services)) }));
