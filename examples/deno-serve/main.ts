export default {
  fetch(request) {
    const isHome = new URL(request.url).pathname === "/";
    return new Response(isHome ? "Hello from deno serve" : "There is nothing here", { status: isHome ? 200 : 404 });
  },
} satisfies Deno.ServeDefaultExport;
