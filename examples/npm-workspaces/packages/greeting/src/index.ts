import ms from "ms";

export function greeting(name: string): string {
  return `Hello from ${name}, for ${ms(60_000, { long: true })}`;
}
