import { mkdirSync, writeFileSync } from "node:fs";

mkdirSync("dist", { recursive: true });
writeFileSync("dist/index.js", "export const greeting = (name) => `Hello from ${name}`;\n");
