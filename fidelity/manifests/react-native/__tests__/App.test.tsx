import React from 'react';
import { Text } from 'react-native';
import renderer, { act } from 'react-test-renderer';

test('renders', async () => {
  let tree: renderer.ReactTestRenderer | undefined;
  await act(async () => {
    tree = renderer.create(<Text>hello</Text>);
  });
  expect(JSON.stringify(tree!.toJSON())).toContain('hello');
});
