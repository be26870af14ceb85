import { defineConfig } from 'vitepress'

export default defineConfig({ title: 'Hello from VitePress' })
