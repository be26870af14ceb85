import { greeting } from "@hello/ui";

export default function Page() {
  return <h1>{greeting("Turborepo")}</h1>;
}
