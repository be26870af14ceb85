import { Hono } from 'hono'

const app = new Hono()

app.get('/', (context) => context.text(`Hello from Hono on Bun ${Bun.version}`))

export default { port: process.env.PORT ?? 3000, fetch: app.fetch }
