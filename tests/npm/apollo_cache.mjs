import { InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

// A list under other arguments is another list; `first` and `after` only say which part of it.
const pages = (...others) => relayStylePagination(others);

export const newCache = () =>
  new InMemoryCache({
    possibleTypes: {
      Document: ['Correspondence', 'Letter'],
      Node: [
        'Backend', 'Correspondence', 'Customer', 'CustomerEmailTemplate', 'CustomerMessage', 'Dispatch', 'EmailTemplate',
        'Letter',
      ],
    },
    typePolicies: {
      Query: {
        fields: {
          customers: pages('backends', 'filter', 'options', 'orderBy'),
          documents: pages('backends', 'customers', 'withCounterparts', 'filter', 'orderBy'),
          dispatches: pages('filter'),
        },
      },
      Customer: { fields: { documents: pages('filter', 'orderBy') } },
      Dispatch: { fields: { items: pages('states') } },
    },
  });
