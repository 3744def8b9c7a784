import type { Meta, StoryObj } from '@storybook/react-vite'
import { Button } from './Button'

const meta = { component: Button } satisfies Meta<typeof Button>
export default meta

export const Plain: StoryObj<typeof meta> = { args: { label: 'plain' } }
