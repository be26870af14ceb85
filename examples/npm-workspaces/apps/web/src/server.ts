import Fastify from "fastify";
import { greeting } from "@hello/greeting";

const server = Fastify();
server.get("/", async () => greeting("npm workspaces"));
await server.listen({ host: "0.0.0.0", port: Number(process.env.PORT) });
