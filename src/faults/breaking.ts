import type { Scene, Undo } from './fault.ts'

/** Starts a fault whose strength is the percentage of calls of this point that break something. */
export const breaking =
  <Point extends string>(points: Record<Point, (() => boolean) | undefined>, point: Point) =>
  ({ strength, random }: Scene): Undo => {
    points[point] = () => random() * 100 < strength
    return () => {
      points[point] = undefined
    }
  }
