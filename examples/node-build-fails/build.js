console.log("Checking the types of 3 files");
console.error("server.ts:1:1 - error TS2304: Cannot find name 'sever'.");
process.exit(1);
