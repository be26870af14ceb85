// All on standard output: what two streams say at the same moment can arrive in either order.
console.log("Checking the types of 3 files");
console.log("server.ts:1:1 - error TS2304: Cannot find name 'sever'.");
process.exit(1);
