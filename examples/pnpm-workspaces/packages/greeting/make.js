import { writeFileSync } from "node:fs";

const source = 'import ms from "ms";\nexport const greeting = (name) => `Hello from ${name}, for ${ms(60000, { long: true })}`;\n';
writeFileSync("made.js", source);
