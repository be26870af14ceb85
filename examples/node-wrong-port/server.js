const http = require("node:http");

// The mistake that this example is about: PORT is ignored.
http.createServer((request, response) => response.end("Nobody reads this\n")).listen(4000);
