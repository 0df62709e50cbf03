"use strict";

const STORED_UNDER = "postroom:";
const HISTORY = ["graphiql:queries", "graphiql:favorites"];

// In lines that the editor shows whole beside the documentation.
const FIRST_QUERY = `# One endpoint over every
# invoicing system configured here.
#
# Run         Ctrl-Enter
# Complete    Ctrl-Space, anywhere
# Look up     the book, top left
# Click it    the folder, top left
# Sign in     Headers, below
#             (never stored)
#
# What can be asked:
query Fields {
  __schema {
    queryType { ...Offers }
    mutationType { ...Offers }
    subscriptionType { ...Offers }
  }
}

fragment Offers on __Type {
  fields {
    name
    description
  }
}
`;

// GraphiQL keeps tabs without their headers when told to, but writes its history with them, credentials included.
const withoutHeaders = (history) => JSON.stringify(JSON.parse(history), (key, value) => (key === "headers" ? undefined : value));

// Under a prefix of our own: what another GraphiQL on this host and port has stored is not ours to open.
const storage = {
  keys: () => Object.keys(localStorage).filter((key) => key.startsWith(STORED_UNDER)),
  get length() {
    return this.keys().length;
  },
  clear() {
    this.keys().forEach((key) => localStorage.removeItem(key));
  },
  getItem: (key) => localStorage.getItem(STORED_UNDER + key),
  removeItem: (key) => localStorage.removeItem(STORED_UNDER + key),
  setItem: (key, value) => localStorage.setItem(STORED_UNDER + key, HISTORY.includes(key) ? withoutHeaders(value) : value),
};

// Under a dialog GraphiQL adds a style block that keeps the page from scrolling. The Content-Security-Policy refuses
// inline styles, and this page never scrolls: who asks for a style element gets one that styles nothing.
const createElement = document.createElement.bind(document);
document.createElement = (name, options) => createElement(name === "style" ? "inert-style" : name, options);

// On a first visit GraphiQL opens the first tab without its variables; it takes them from where it stores them.
function rememberVariables(tabs) {
  if (tabs.length && !storage.getItem("graphiql:tabState")) storage.setItem("graphiql:variables", tabs[0].variables);
}

async function open(place) {
  const answer = await fetch(place.dataset.tabs);
  if (!answer.ok) throw new Error(`${answer.status} for ${place.dataset.tabs}`);
  const { endpoint, tabs } = await answer.json();

  const url = new URL(place.dataset.root + endpoint, location.origin);
  const subscriptionUrl = new URL(url);
  subscriptionUrl.protocol = url.protocol === "https:" ? "wss:" : "ws:";

  rememberVariables(tabs);
  const explorer = React.createElement(
    GraphiQL,
    {
      // Incremental results over multipart; subscriptions over graphql-transport-ws, headers in connection_init.
      fetcher: GraphiQL.createFetcher({ url: url.href, subscriptionUrl: subscriptionUrl.href }),
      storage,
      plugins: [GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false })],
      defaultQuery: FIRST_QUERY,
      defaultTabs: tabs.length ? tabs : undefined,
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
      showPersistHeadersSettings: false,
      schemaDescription: true,
      inputValueDeprecation: true,
    },
    React.createElement(GraphiQL.Logo, null, "Postroom"),
  );
  ReactDOM.createRoot(place).render(explorer);
}

const place = document.getElementById("explorer");
open(place).catch((problem) => {
  place.textContent = `The explorer could not start: ${problem.message}`;
});
