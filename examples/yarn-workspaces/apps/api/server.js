import Koa from "koa";
import { greeting } from "@hello/greeting";

const app = new Koa();
app.use((context) => {
  context.body = greeting("Yarn workspaces");
});
app.listen(process.env.PORT);
