import { ago, fullTime } from '../../base/format.ts'
import { FormProblem, Problem, refersTo } from '../../ui/field.tsx'
import { Face } from '../../ui/icon.tsx'
import { LinkedText } from '../../ui/text/linked-text.tsx'
import { SuspendButton } from '../suspension.tsx'
import type { Report } from './queries.ts'

export const reasonMax = 500

type FormProps = { id: number; reason?: string; problems?: Record<string, string> }

/** Says what is wrong with a tweet to those who run the site. */
export const ReportForm = ({ id, reason = '', problems = {} }: FormProps) => (
  <form
    class='report-form'
    method='post'
    action={`/report/${id}`}
    hx-post={`/report/${id}`}
    hx-swap='outerHTML'
    {...{ 'hx-status:422': 'swap:outerHTML', 'hx-status:429': 'swap:outerHTML' }}
  >
    <FormProblem>{problems['form']}</FormProblem>
    <p class='field'>
      <label for='reason'>What is wrong with this post?</label>
      <textarea
        id='reason'
        name='reason'
        rows={2}
        required
        {...refersTo('reason', problems['reason'])}
      >
        {reason}
      </textarea>
      <Problem of='reason'>{problems['reason']}</Problem>
    </p>
    <button class='btn quiet'>Report</button>
  </form>
)

/** The form below a tweet, closed. */
export const ReportMenu = ({ id }: { id: number }) => (
  <details class='report'>
    <summary>Report this post</summary>
    <ReportForm id={id} />
  </details>
)

/** One report, for operators: the words, who wrote them, what is said about them, and what can be done. */
export const ReportCard = ({ report, position }: { report: Report; position: number }) => {
  const { cursor, tweetId, authorId, name, handle, createdAt } = report
  return (
    <article
      class='tweet'
      id={`report-${cursor}`}
      tabindex={0}
      aria-labelledby={`by-${cursor}`}
      aria-posinset={position}
      aria-setsize={-1}
    >
      <a class='face-link' href={`/@${handle}`} tabindex={-1} aria-hidden='true'>
        <Face id={authorId} />
      </a>
      <p class='by' id={`by-${cursor}`}>
        <a class='username' href={`/@${handle}`}>
          <bdi>{name}</bdi>
        </a>
        <span class='handle'>@{handle}</span>
        <a class='timestamp' href={`/tweet/${tweetId}`}>
          <time datetime={new Date(createdAt).toISOString()} title={fullTime(createdAt)}>
            {ago(createdAt, Date.now())}
          </time>
        </a>
      </p>
      <p class='msg' dir='auto'>
        {LinkedText({ children: report.msg })}
      </p>
      <p class='notice'>
        <a href={`/@${report.reporterHandle}`}>
          <bdi>{report.reporterName}</bdi>
        </a>
        : <bdi>{report.reason}</bdi>
      </p>
      <div class='row'>
        <form
          method='post'
          action={`/reports/${cursor}/dismiss`}
          hx-post={`/reports/${cursor}/dismiss`}
          hx-target='closest article'
          hx-swap='delete'
        >
          <button class='btn quiet'>Dismiss</button>
        </form>
        <SuspendButton id={authorId} suspendedAt={report.suspendedAt} />
        <a class='btn quiet' href={`/tweet/${tweetId}/delete`}>
          Delete post
        </a>
      </div>
    </article>
  )
}
