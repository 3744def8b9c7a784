import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

// Starts, asks itself once, and stops.
async function main() {
  const app = await NestFactory.create(AppModule);
  await app.listen(0, '127.0.0.1');
  const answer = await fetch(await app.getUrl());
  const text = await answer.text();
  await app.close();
  if (text !== 'hello') {
    throw new Error(`answered ${text}`);
  }
}

void main();
