// /traces/uploaded: OTLP JSON files to look at. What a file says is text, never a link, and no statement of it is run.
import * as v from 'valibot'

import { counted } from '../base/format.ts'
import { query } from '../http/validation.ts'
import { readBounds, type ReadTrace } from '../trace-store/read-otlp.ts'
import { uploadBounds, type UploadedFile } from '../trace-store/uploads.ts'
import { shortMs } from '../ui/chip.tsx'
import { Labelled } from './field.tsx'
import { Header } from './header.tsx'
import { Clock, Moment } from './list.tsx'
import { traceId } from './parameters.ts'
import { spanUnder } from './span.tsx'
import { Warnings } from './warnings.tsx'
import { WaterfallBars } from './waterfall-bars.tsx'
import { layOut } from './waterfall.ts'

const tracesShown = 100
const megabytes = uploadBounds.bytes / 1024 / 1024
const minutes = uploadBounds.ms / 60_000

/** Validates which trace of which file is shown; without both, all files are listed. */
export const uploadedQuery = query({
  file: v.optional(v.pipe(v.string(), v.regex(/^\d{0,12}$/, 'That is no number.')), ''),
  trace: traceId,
})

const nameOf = ({ trace }: ReadTrace) => trace.requests[0]?.name ?? 'Trace'

/** The page with the form and the files of this session. */
export const UploadedPage = ({ files }: { files: UploadedFile[] }) => (
  <>
    <Header
      at='/traces/uploaded'
      title='Uploaded'
      words='Look at traces of another program. Only you see them, and they are in no list and no statistics.'
    />
    <form class='filters' method='post' action='/traces/upload' enctype='multipart/form-data'>
      <Labelled label='OTLP JSON file'>
        <input type='file' name='file' accept='.json,.jsonl,application/json' required />
      </Labelled>
      <button class='btn'>Upload</button>
    </form>
    <p class='words'>
      At most {megabytes} MB, {counted(readBounds.spans, 'span')} and {readBounds.depth} levels. A
      file stays in the memory of this process for {minutes} minutes; the sixth takes the place of
      the oldest of {uploadBounds.ofSession}.
    </p>
    <UploadedFiles files={files} />
  </>
)

/** The files of this session: the part of the page that an upload changes. */
export const UploadedFiles = ({ files }: { files: UploadedFile[] }) => (
  <div id='uploaded'>
    {files.length === 0 && <p class='empty-state'>There is no file of yours here.</p>}
    {files.map((file) => (
      <section class='uploaded'>
        <h2>{file.name}</h2>
        <p class='words'>
          {counted(file.traces.length, 'trace')}, kept until <Clock at={file.until} />
        </p>
        <div class='scroll'>
          <table class='requests sums'>
            <tbody>
              {file.traces.slice(0, tracesShown).map((one) => (
                <FileRow file={file} one={one} />
              ))}
            </tbody>
          </table>
        </div>
        {file.traces.length > tracesShown && (
          <p class='end'>The first {tracesShown} traces of this file.</p>
        )}
      </section>
    ))}
  </div>
)

const FileRow = ({ file, one }: { file: UploadedFile; one: ReadTrace }) => (
  <tr>
    <td>
      <a href={`/traces/uploaded?file=${file.id}&trace=${one.trace.id}`}>{nameOf(one)}</a>
    </td>
    <td class='number'>{counted(one.trace.spans.length, 'span')}</td>
    <td class='number'>{one.trace.requests[0] && shortMs(one.trace.requests[0].ms)}</td>
  </tr>
)

/** One trace of a file. */
export const UploadedTrace = ({ file, one }: { file: UploadedFile; one: ReadTrace }) => {
  const { trace, logs } = one
  const waterfall = layOut(trace)
  return (
    <>
      <Header
        at=''
        title={nameOf(one)}
        words={
          <>
            From the file {file.name}, not from this process.{' '}
            <a href='/traces/uploaded'>All files</a>
          </>
        }
      />
      <div class='facts trace'>
        <b class='number'>{shortMs(waterfall.ms)}</b>
        <span>{counted(trace.spans.length, 'span')}</span>
        <Moment at={waterfall.at} />
        <code>{trace.id}</code>
      </div>
      <Warnings waterfall={waterfall} trace={trace} isOurs={false} />
      <WaterfallBars
        waterfall={waterfall}
        more={(row) => spanUnder({ traceId: trace.id, row, logs, withStacks: true, isOurs: false })}
      />
    </>
  )
}
