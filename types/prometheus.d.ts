/** What all consumers of the process do, for Prometheus: see docs/observing.md. Not in kafkajs. */
export interface Metrics {
  /** Of the answer to a scrape. */
  readonly contentType: string
  /** The metrics by now, in the text exposition format. */
  metrics(): string
  /** Listens no more. What was counted stays readable. */
  end(): void
}

/** Begins to listen. Call it before `run()`: commits, for one, are only told from then on. */
export function createMetrics(): Metrics
