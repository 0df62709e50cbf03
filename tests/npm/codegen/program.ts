// A program over the generated types: what it says of them is checked by the compiler, and never run.
import type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';
import {
  BackendsDocument,
  CustomerPageDocument,
  EmailStatementsDocument,
  RunProgressDocument,
  SearchCustomersDocument,
  SendLetterDocument,
  TimelineDocument,
} from './operations.js';

export const send: VariablesOf<typeof SendLetterDocument> = {
  letter: 'id',
  to: 'accounts@example.com',
  subject: 'Hello',
  body: 'See attached.',
  key: 'one',
};
export const search: VariablesOf<typeof SearchCustomersDocument> = {}; // all have defaults

// @ts-expect-error: a key is required, so that nothing is sent twice
export const unkeyed: VariablesOf<typeof EmailStatementsDocument> = { customers: [], from: '', to: '' };

// @ts-expect-error: a run is named by its id
export const followed: VariablesOf<typeof RunProgressDocument> = { dispatch: { id: 'one' } };

export function outstanding(page: ResultOf<typeof CustomerPageDocument>): (string | null)[] {
  // @ts-expect-error: there may be no such customer
  page.customer.counterparts;
  // Null in the place of a backend that could not be asked.
  return (page.customer?.counterparts ?? []).map((one) => one?.outstandingBalance ?? null);
}

export function titles({ documents }: ResultOf<typeof TimelineDocument>): string[] {
  return documents.nodes.map((document) =>
    document.__typename === 'Letter' ? `${document.pageCount} pages` : (document.number ?? document.id),
  );
}

export function isSettled({ dispatchProgress }: ResultOf<typeof RunProgressDocument>): boolean {
  // @ts-expect-error: no state of a run has this name
  if (dispatchProgress.state === 'DONE') return true;
  return dispatchProgress.state === 'SUCCEEDED' || dispatchProgress.finishedAt !== null;
}

export function canEmail({ backends }: ResultOf<typeof BackendsDocument>): string[] {
  return backends.filter((one) => one.capabilities.includes('EMAIL_DOCUMENT')).map((one) => one.key);
}

export function refused(result: ResultOf<typeof SendLetterDocument>): string[] {
  return result.emailDocument.problems.map(({ code, message }) => `${code}: ${message}`);
}
