// Sends every example that GitHub publishes of its webhooks, signed by Octokit: node send.mjs URL SECRET.
// Prints a line of JSON for each: the event, the action, the status and what was answered.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhooks } from "@octokit/webhooks";

const [url, secret] = process.argv.slice(2);
const webhooks = new Webhooks({ secret });
const folder = new URL("node_modules/@octokit/webhooks-examples/api.github.com/index.json", import.meta.url);
for (const { name, examples } of JSON.parse(readFileSync(folder, "utf8"))) {
  for (const example of examples) {
    const body = JSON.stringify(example);
    const answer = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/044aadd",
        "x-github-delivery": randomUUID(),
        "x-github-event": name,
        "x-hub-signature-256": await webhooks.sign(body),
      },
      body,
    });
    console.log(JSON.stringify({ name, action: example.action ?? null, status: answer.status, answer: await answer.json() }));
  }
}
