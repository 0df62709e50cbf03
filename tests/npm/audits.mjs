// Runs graphql-http's server audits against the endpoint whose URL is given. Prints a line of JSON for each audit.
import { serverAudits } from "graphql-http";

const [url] = process.argv.slice(2);

for (const audit of serverAudits({ url })) {
  const { status, reason } = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status, reason: reason ?? null }));
}
