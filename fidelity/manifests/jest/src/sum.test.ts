import { expect, test } from '@jest/globals'
import { sum } from './sum'

test('adds', () => {
  expect(sum(1, 2)).toBe(3)
})

test('has a document', () => {
  document.body.innerHTML = '<p>text</p>'
  expect(document.querySelector('p')?.textContent).toBe('text')
})
