import { useLoaderData } from '@remix-run/react'

export const loader = async () => ({ message: 'hello' })

export default function Index() {
  const { message } = useLoaderData<typeof loader>()
  return <p>{message}</p>
}
