import 'reflect-metadata'
import { Controller, Module } from '@nestjs/common'
import { Ctx, EventPattern, KafkaContext, MessagePattern, Payload } from '@nestjs/microservices'

export const seen: unknown[] = []

/** One of every kind that the transport knows. The names of the topics come from the test. */
@Controller()
export class Orders {
  @EventPattern(process.env.EVENT_TOPIC)
  created(@Payload() order: object, @Ctx() context: KafkaContext): void {
    const { headers, offset } = context.getMessage()
    seen.push({
      order,
      headers,
      offset,
      topic: context.getTopic(),
      partition: context.getPartition()
    })
  }

  @MessagePattern(process.env.MESSAGE_TOPIC)
  async sum(
    @Payload() { numbers }: { numbers: number[] },
    @Ctx() context: KafkaContext
  ): Promise<object> {
    await context.getHeartbeat()()
    return { sum: numbers.reduce((sum, number) => sum + number, 0) }
  }
}

@Module({ controllers: [Orders] })
export class App {}
