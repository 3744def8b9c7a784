'use client'
import { useState } from 'react'

export default function Page() {
  const [count, setCount] = useState(0)
  return <button className="p-2" onClick={() => setCount(count + 1)}>{count}</button>
}
