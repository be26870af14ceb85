import { Hono } from "hono";

const app = new Hono();

app.get("/", (context) => context.text(`Hello from Deno ${Deno.version.deno}`));

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 8000) }, app.fetch);
