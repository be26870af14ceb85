import * as React from "react";

export default function IndexPage() {
  return (
    <main>
      <h1>Hello from Gatsby</h1>
    </main>
  );
}

export const Head = () => <title>Home</title>;
