const Koa = require('koa')

const app = new Koa()
app.use((context) => {
  context.body = `Hello from ${process.env.GREETING}`
})
app.listen(process.env.PORT ?? 3000)
