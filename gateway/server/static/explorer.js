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
# Leave this  Escape, then Tab
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

const byId = (id) => document.getElementById(id);

// The key or token of whoever looks at the page: in this variable, and nowhere else. Closing the page forgets it.
let credential = "";

// A header that was written into the Headers editor goes first.
function signed(headers = {}) {
  const given = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  return given || !credential ? headers : { ...headers, Authorization: `Bearer ${credential}` };
}

function refetchSchema() {
  document.querySelector('[aria-label="Re-fetch GraphQL schema"]')?.click();
}

function use(text) {
  credential = text.trim().replace(/^Bearer\s+/i, "");
  const field = byId("credential");
  field.value = "";
  field.placeholder = credential ? "in use" : "";
  byId("forget").hidden = !credential;
  byId("credential-note").textContent = credential
    ? "It is in use until you forget it or this page closes; it is stored nowhere."
    : "Nothing is sent with operations now.";
  refetchSchema();
}

function offerSignIn() {
  byId("sign-in").hidden = false;
  byId("use").addEventListener("click", () => use(byId("credential").value));
  byId("forget").addEventListener("click", () => {
    use("");
    byId("credential").focus();
  });
  byId("credential").addEventListener("keydown", (event) => {
    if (event.key === "Enter") use(byId("credential").value);
  });
}

// For a while after an edit or a change of tabs GraphiQL knows the operation that was there before: it is read anew.
function asked(operation, options) {
  let documentAST;
  try {
    documentAST = GraphiQL.GraphQL.parse(operation.query);
  } catch {
    return [operation, options]; // the endpoint says what is wrong with it
  }
  const operations = documentAST.definitions.filter(({ kind }) => kind === "OperationDefinition");
  const operationName = operations.length === 1 ? operations[0].name?.value : operation.operationName;
  return [{ ...operation, operationName }, { ...options, documentAST }];
}

// Where in an answer links to files of ours stand: [path, address].
function* filesIn(value, path = []) {
  if (value === null || typeof value !== "object") return;
  for (const [key, member] of Object.entries(value)) {
    const here = [...path, /^\d+$/.test(key) ? String(Number(key) + 1) : key];
    if (key === "url" && typeof member === "string" && member.includes("/files/")) yield [path, member];
    else yield* filesIn(member, here);
  }
}

function showFiles(answer) {
  const found = [...filesIn(answer)].filter(([, address]) => /^https?:/.test(address));
  const place = byId("files");
  place.hidden = !found.length;
  place.replaceChildren(
    ...found.map(([path, address]) => {
      const link = document.createElement("a");
      Object.assign(link, { href: address, target: "_blank", rel: "noopener", textContent: path.slice(1).join(" ") });
      return link;
    }),
  );
}

// Links to files in whole answers are offered below them; what comes in parts is left as it is.
async function fetchAndOffer(input, init) {
  const answer = await fetch(input, init);
  const whole = /json/.test(answer.headers.get("content-type") ?? "");
  if (whole) answer.clone().json().then(showFiles, () => showFiles(null));
  else showFiles(null);
  return answer;
}

// On a first visit GraphiQL opens the first tab without its variables; it takes them from where it stores them.
function rememberVariables(tabs) {
  if (tabs.length && !storage.getItem("graphiql:tabState")) storage.setItem("graphiql:variables", tabs[0].variables);
}

// As the front page's link to the documentation wants it. GraphiQL may draw its buttons a moment later.
function openDocumentation() {
  const book = document.querySelector('[aria-label="Show Documentation Explorer"]');
  if (book) book.click();
  else requestAnimationFrame(openDocumentation);
}

async function open(place) {
  const answer = await fetch(place.dataset.tabs);
  if (!answer.ok) throw new Error(`${answer.status} for ${place.dataset.tabs}`);
  const { endpoint, tabs, signsIn } = await answer.json();

  const url = new URL(place.dataset.root + endpoint, location.origin);
  const subscriptionUrl = new URL(url);
  subscriptionUrl.protocol = url.protocol === "https:" ? "wss:" : "ws:";

  if (signsIn) offerSignIn();
  rememberVariables(tabs);
  // Incremental results over multipart; subscriptions over graphql-transport-ws, headers in connection_init.
  const ask = GraphiQL.createFetcher({ url: url.href, subscriptionUrl: subscriptionUrl.href, fetch: fetchAndOffer });
  const explorer = React.createElement(
    GraphiQL,
    {
      fetcher: (operation, options) => ask(...asked(operation, { ...options, headers: signed(options?.headers) })),
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
    React.createElement(
      GraphiQL.Logo,
      null,
      React.createElement("a", { href: `${place.dataset.root}/`, className: "home" }, "Postroom"),
    ),
  );
  ReactDOM.createRoot(place).render(explorer);
  if (location.hash === "#docs") openDocumentation();
}

const place = byId("explorer");
open(place).catch((problem) => {
  place.textContent = `The explorer could not start: ${problem.message}`;
});
