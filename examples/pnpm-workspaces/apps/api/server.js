import Koa from "koa";
import { greeting } from "@hello/greeting";

const app = new Koa();
app.use((context) => {
  context.body = greeting("pnpm workspaces");
});
app.listen(process.env.PORT);
