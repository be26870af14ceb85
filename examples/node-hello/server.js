const http = require("node:http");

const server = http.createServer((request, response) => {
  response.end("Hello from Node.js\n");
});

server.listen(process.env.PORT || 3000, () => {
  console.log(`Listening on port ${server.address().port}`);
});

process.on("SIGTERM", () => {
  server.close();
  server.closeIdleConnections();
});
