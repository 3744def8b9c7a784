import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import { Body, Controller, Get, Injectable, Module, Post, ValidationPipe } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { IsInt, Min } from 'class-validator'

class Order {
  @IsInt()
  @Min(1)
  count!: number
}

@Injectable()
class Greeter {
  greet(): string {
    return 'hello'
  }
}

@Controller()
class Api {
  constructor(private readonly greeter: Greeter) {}

  @Get('hello')
  hello(): { message: string } {
    return { message: this.greeter.greet() }
  }

  @Post('orders')
  order(@Body() order: Order): { ordered: number } {
    return { ordered: order.count }
  }
}

@Module({ controllers: [Api], providers: [Greeter] })
class AppModule {}

// Starts on a free port, asks itself, and ends with the result.
async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
  app.useGlobalPipes(new ValidationPipe({ transform: true }))
  await app.listen(0, '127.0.0.1')
  const { port } = app.getHttpServer().address() as AddressInfo
  const base = `http://127.0.0.1:${port}`
  const hello = await (await fetch(`${base}/hello`)).json()
  const post = (count: unknown) =>
    fetch(`${base}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count }),
    })
  const good = await post(3)
  const bad = await post('three')
  await app.close()
  if (hello.message !== 'hello' || good.status !== 201 || bad.status !== 400) {
    throw new Error(`unexpected answers: ${JSON.stringify(hello)}, ${good.status}, ${bad.status}`)
  }
  console.log('server answered')
}

main().catch((err) => {
  console.error(err)
  process.exit(1)
})
