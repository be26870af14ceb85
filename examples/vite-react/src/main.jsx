import { createRoot } from 'react-dom/client'

createRoot(document.getElementById('root')).render(<h1>Hello from React, {import.meta.env.VITE_GREETING ?? 'stranger'}</h1>)
