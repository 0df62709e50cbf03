// node compose.mjs POSTROOM_SDL_FILE: what both composers make of Postroom and two other subgraphs, as JSON.
import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { composeServices as composeByTheGuild, compositionHasErrors } from '@theguild/federation-composition';
import { buildSchema, parse } from 'graphql';
import { SUBGRAPHS } from './subgraphs.mjs';

const sdls = { postroom: readFileSync(process.argv[2], 'utf8'), ...SUBGRAPHS };
const services = Object.entries(sdls).map(([name, sdl]) => ({
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
      ['cost', 'listSize', 'tag', 'authenticated', 'requiresScopes'].map((name) => [
        name,
        composed.supergraphSdl.split(`@${name}`).length - 1,
      ]),
    ),
  };
}

console.log(JSON.stringify({ apollo: told(composeServices(services)), guild: told(composeByTheGuild(services)) }));
