// The smallest real app: answers which revision it is, stops when it is told to.
const { readFileSync } = require("node:fs");
const revision = readFileSync("revision", "utf8");
const server = require("node:http").createServer((request, response) => response.end(revision));
// Says that it was upgraded, and nothing more.
const sockets = new Set();
server.on("upgrade", (request, socket) => {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket)).on("error", () => {}).resume();
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
});
server.listen(process.env.PORT || 3000);
process.on("SIGTERM", () => {
  for (const socket of sockets) socket.destroy();
  server.close(() => process.exit(0));
});
