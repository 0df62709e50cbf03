// node codegen.mjs SCHEMA EXAMPLES FOLDER: generates TypeScript from the schema and the example queries into a folder,
// and checks codegen/program.ts with it; prints what the compiler says.
import { copyFileSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typedDocuments from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';
import ts from 'typescript';

const [schema, examples, folder] = process.argv.slice(2);
const documents = readdirSync(examples)
  .filter((name) => name.endsWith('.graphql'))
  .sort()
  .map((name) => ({ location: name, document: parse(readFileSync(join(examples, name), 'utf8')) }));

const scalars = { Date: 'string', DateTime: 'string', Decimal: 'string', JSON: 'unknown', _Any: 'unknown' };
const generated = await codegen({
  filename: 'operations.ts',
  schema: parse(readFileSync(schema, 'utf8')),
  documents,
  config: { scalars, strictScalars: true, useTypeImports: true, enumType: 'string-literal' },
  plugins: [{ operations: {} }, { typedDocuments: {} }],
  pluginMap: { operations, typedDocuments },
});
writeFileSync(join(folder, 'operations.ts'), generated);
copyFileSync(join(import.meta.dirname, 'codegen', 'program.ts'), join(folder, 'program.ts'));
symlinkSync(join(import.meta.dirname, 'node_modules'), join(folder, 'node_modules'));
writeFileSync(join(folder, 'package.json'), '{"type": "module"}');

const options = {
  strict: true,
  noEmit: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};
const program = ts.createProgram([join(folder, 'program.ts')], options);
const said = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
  const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
  return `${file?.fileName.split('/').at(-1)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
});
const names = documents.flatMap(({ document }) => document.definitions.map(({ name }) => name.value));
console.log(JSON.stringify({ said, names }));
