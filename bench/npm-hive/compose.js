// Composes the vendors' REST routes into a supergraph, as Mesh's JSON schema source has them, and writes it to a file.
import { writeFileSync } from 'node:fs';
import { composeSubgraphs } from '@graphql-mesh/fusion-composition';
import { loadJSONSchemaSubgraph } from '@omnigraph/json-schema';

const URLS = JSON.parse(process.env.BENCH_BACKENDS);
const TOKEN = process.env.BENCH_TOKEN;
const endpoint = new URL(Object.values(URLS)[0]).origin;

const string = { type: 'string' };
const integer = { type: 'integer' };
const list = (items) => ({ type: 'array', items });
const object = (title, properties) => ({ type: 'object', title, properties });

const customer = object('BillingCustomer', { id: string, accountNumber: string, name: string, email: string });
const document = object('BillingDocument', {
  id: string,
  correspondenceDate: string,
  correspondenceType: string,
  status: list(string),
});
const client = object('LetterClient', { id: integer, number: integer, name: string, email: string });
const letter = object('LetterRow', { id: integer, client_id: integer, date: string, title: string, status: integer });
const page = (title, items) => object(title, { items: list(items) });

const get = (field, path, responseSchema, args) => ({
  type: 'Query',
  field,
  path: `{args.base}${path}`,
  method: 'GET',
  argTypeMap: { base: string, ...args },
  requiredArgs: ['base', ...Object.keys(args)],
  responseSchema,
});

const operations = [
  get('billingCustomer', '/customers/{args.id}', customer, { id: string }),
  get('billingCustomers', '/customers/', list(customer), {}),
  get('billingDocuments', '/customers/{args.id}/correspondence/', list(document), { id: string }),
  get('letterClients', `/client/list/limit/{args.size}/page/1/token/${TOKEN}/`, page('LetterClients', client), {
    size: integer,
  }),
  get(
    'letterPage',
    `/letter/list/limit/{args.size}/page/{args.page}/sort/date/sorttype/desc/token/${TOKEN}/`,
    page('LetterPage', letter),
    { size: integer, page: integer },
  ),
];

const { name, schema$ } = loadJSONSchemaSubgraph('vendors', {
  endpoint,
  operationHeaders: { Authorization: `Bearer ${TOKEN}` },
  operations,
})({ cwd: process.cwd() });
const composed = composeSubgraphs([{ name, schema: await schema$ }], { ignoreSemanticConventions: true });
if (composed.errors?.length) throw new AggregateError(composed.errors);
writeFileSync(process.argv[2], composed.supergraphSdl);
