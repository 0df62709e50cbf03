// The schema of all Node servers here, and what the vendors' rows are in it.
export const types = /* GraphQL */ `
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
`;

export const queryFields = /* GraphQL */ `
    customer(by: CustomerBy!): Customer
    customers(backends: [String!], first: Int! = 50): CustomerConnection!
    letters(backends: [String!], first: Int! = 50): LetterConnection!
`;

const addresses = (text) => text.split(',').map((one) => one.trim());

export const billingCustomer = (backend, row) => ({
  backend,
  nativeId: row.id,
  code: row.accountNumber,
  name: row.name,
  emails: addresses(row.email),
});

export const letterCustomer = (backend, row) => ({
  backend,
  nativeId: String(row.id),
  code: String(row.number),
  name: row.name,
  emails: row.email ? [row.email] : [],
});

const LETTER_STATES = { 1: 'SENT', 7: 'DRAFT' };
const STATES = [['Delivered', 'DELIVERED'], ['Emailed', 'SENT'], ['Ready', 'READY']];

export const letter = (row) => ({
  nativeId: String(row.id),
  date: row.date,
  title: row.title,
  state: LETTER_STATES[row.status] ?? 'UNKNOWN',
});

export const correspondence = (row) => ({
  nativeId: row.id,
  date: row.correspondenceDate,
  title: row.correspondenceType,
  state: STATES.find(([status]) => row.status.includes(status))?.[1] ?? 'UNKNOWN',
});
