'use client'
import Button from '@mui/material/Button'
import { useState } from 'react'

export default function Page() {
  const [n, setN] = useState(0)
  return (
    <main className="p-4">
      <Button onClick={() => setN(n + 1)}>pressed {n} times</Button>
    </main>
  )
}
