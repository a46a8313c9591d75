import { activeRequests, type WorkQueue } from '../overload/work-queue.ts'

/**
 * Takes a place in a queue as a request does, but for a job of the process itself: a job that waits is taken from the
 * number of the active requests, so it must have been added before. Never rejects: a refusal is as good as an end.
 */
export async function occupy(
  queue: WorkQueue,
  job: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  activeRequests.count += 1
  try {
    await queue.run(job, signal)
  } catch {
    // The queue is full, or the fault has ended.
  } finally {
    activeRequests.count -= 1
  }
}
