// Asks the endpoint for operations with the clients of graphql-transport-ws and of graphql-sse, one after another.
//
// Arguments: "ws" or "sse", the endpoint's http URL, and JSON: {"operations": [...], "connectionParams"?, "headers"?}.
// An operation's "take" says after how many results to leave; without it, it is followed to its end. Prints a line of
// JSON for each: what came, and how it ended.
import { spawnSync } from "node:child_process";
import { createClient as createSocketClient } from "graphql-ws";
import { createClient as createEventClient } from "graphql-sse";

if (globalThis.WebSocket === undefined) {
  // Node 20 has it behind a flag.
  const { status } = spawnSync(process.execPath, ["--experimental-websocket", "--no-warnings", ...process.argv.slice(1)], {
    stdio: "inherit",
  });
  process.exit(status ?? 1);
}

const [kind, url, given] = process.argv.slice(2);
const { operations, connectionParams, headers } = JSON.parse(given);
const client =
  kind === "ws"
    ? createSocketClient({ url: url.replace("http", "ws"), connectionParams, retryAttempts: 0, lazyCloseTimeout: 1_000 })
    : createEventClient({ url, headers, retryAttempts: 0 });

function followed({ take, ...operation }) {
  return new Promise((resolve) => {
    const results = [];
    const leave = client.subscribe(operation, {
      next(result) {
        results.push(result);
        if (results.length === take) leave();
      },
      error(error) {
        const said = Array.isArray(error) ? { errors: error } : { code: error.code, reason: error.reason, message: error.message };
        resolve({ results, ended: "error", ...said });
      },
      complete: () => resolve({ results, ended: "complete" }),
    });
  });
}

for (const operation of operations) console.log(JSON.stringify(await followed(operation)));
await client.dispose();
