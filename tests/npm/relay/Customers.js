// What a Relay application has in its components: two lists that go on, one at the top and one of a record by its id.
import { graphql } from 'relay-runtime';

export const query = graphql`
  query CustomersQuery($count: Int!, $cursor: String) {
    ...Customers_list @arguments(count: $count, cursor: $cursor)
  }
`;

export const list = graphql`
  fragment Customers_list on Query
  @argumentDefinitions(count: { type: "Int!" }, cursor: { type: "String" })
  @refetchable(queryName: "CustomersPaginationQuery") {
    customers(backends: ["smallinvoice"], first: $count, after: $cursor)
      @connection(key: "Customers_customers", filters: ["backends"]) {
      edges { node { id code ...Customers_letters @arguments(count: 1) } }
      problems { code }
    }
  }
`;

export const letters = graphql`
  fragment Customers_letters on Customer
  @argumentDefinitions(count: { type: "Int!" }, cursor: { type: "String" })
  @refetchable(queryName: "CustomersLettersPaginationQuery") {
    name
    letters(first: $count, after: $cursor) @connection(key: "Customers_letters") {
      edges { node { id title } }
    }
  }
`;
