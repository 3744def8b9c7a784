import { Test } from '@nestjs/testing';
import { AppController } from './app.controller';

test('it greets', async () => {
  const app = await Test.createTestingModule({ controllers: [AppController] }).compile();
  expect(app.get(AppController).hello()).toBe('hello');
});
