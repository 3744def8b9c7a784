import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { BrowserRouter } from 'react-router-dom'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { format } from 'date-fns'
import { create } from 'zustand'
import axios from 'axios'

const useCount = create<{ n: number; inc: () => void }>((set) => ({ n: 0, inc: () => set((s) => ({ n: s.n + 1 })) }))
const client = new QueryClient()

export function App() {
  const { n, inc } = useCount()
  return <button onClick={inc}>{n} {format(new Date(0), 'yyyy')} {axios.VERSION}</button>
}

createRoot(document.getElementById('root')!).render(
  <StrictMode><QueryClientProvider client={client}><BrowserRouter><App /></BrowserRouter></QueryClientProvider></StrictMode>,
)
