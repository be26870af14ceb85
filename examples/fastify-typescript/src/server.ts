import Fastify from 'fastify'

const app = Fastify()

app.get('/', () => ({ message: 'Hello from Fastify' }))

process.on('SIGTERM', () => void app.close())
await app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 3000) })
