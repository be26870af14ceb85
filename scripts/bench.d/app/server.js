// The smallest real app: answers which revision it is, stops when it is told to.
const { readFileSync } = require("node:fs");
const revision = readFileSync("revision", "utf8");
const server = require("node:http").createServer((request, response) => response.end(revision));
server.listen(process.env.PORT || 3000);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
