// The traffic model as TypeScript sees it: what ../model.json holds once check.js has let it pass.

export type Range = [low: number, high: number]
export type Source = { of: string } | { seen: string } | { from: number; to: number }

export type Step = {
  request?: string
  as?: string
  with?: Record<string, Source>
  times?: Range
  chance?: number
  pause?: Range
  steps?: Step[]
  oneOf?: Step[][]
}

export type Task = { weight: number; atMost?: Range; steps: Step[] }

export type User = {
  weight: number
  wait: Range
  as: string
  account?: string
  welcome?: Step[]
  tasks: Record<string, Task>
}

export type Request = {
  method: 'GET' | 'POST'
  path: string
  name?: string
  group: string
  fields?: Record<string, string>
  answer: string | Record<string, string>
  sees?: string[]
}

export type Expected = {
  status: number[]
  type?: string
  has?: string[]
  lacks?: string[]
  location?: string
}

export type Account = { name: string; mailaddress: string; password: string }

export type Model = {
  users: Record<string, User>
  mixes: Record<string, string[]>
  shapes: Record<string, { seconds: number; users: number }[]>
  accounts: Record<
    string,
    Account & { count: number; login: string; register: string; first?: 'login' | 'register' }
  >
  smoke: { users: number; as: string[]; pause: Range; account: Account; steps: Step[] }
  target: { request: string; times?: number; with?: Record<string, Source>; else: string }[]
  requests: Record<string, Request>
  answers: Record<string, Expected>
  askers: Record<string, { answersLike: string; headers: Record<string, string> }>
  groups: Record<string, { p95: number; bytes: number }>
  sights: Record<string, string>
  lists: Record<string, string[]>
}

type Variables = Record<string, string | number | undefined>
type Seen = Record<string, string[]>
type Answer = { status: number; type: string; location: string; body: string }

export function readModel(text: string): Model
export function nameOf(request: Request): string
export function pickByWeight<T extends { weight: number }>(
  weighted: Record<string, T> | T[],
  chance: number,
): T
export function within(range: Range, chance: number): number
export function wholeWithin(range: Range, chance: number): number
export function choose(
  model: Model,
  source: Source,
  seen: Seen,
  random: () => number,
): string | undefined
export function fill(
  template: string,
  variables: Variables,
  encode?: (value: string) => string,
): string | undefined
export function pathOf(request: Request, variables: Variables): string
export function fillAll(
  templates: Record<string, string>,
  variables: Variables,
): Record<string, string>
export function accountOf(account: Account, number: number | string): Account
export function expectedOf(model: Model, request: Request, asker: string): Expected
export function judge(expected: Expected, answer: Answer): string | undefined
export function look(model: Model, request: Request, body: string, seen: Seen): void
