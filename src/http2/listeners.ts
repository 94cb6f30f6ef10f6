/** `finish`: all of it was handed on. `close`: nothing more happens to it. `drain`: it takes more. */
export type AnswerEvent = 'finish' | 'close' | 'drain' | 'error'

interface Listener {
  event: AnswerEvent
  run: () => void
  times: 'once' | 'always'
}

/** Who wants to know what becomes of an answer: few, and of most answers nobody. */
export class Listeners {
  #all: Listener[] = []

  add(event: AnswerEvent, run: () => void, times: 'once' | 'always'): void {
    this.#all.push({ event, run, times })
  }

  remove(event: AnswerEvent, run: () => void): void {
    const at = this.#all.findIndex(each => each.event === event && each.run === run)
    if (at >= 0) this.#all = this.#all.toSpliced(at, 1)
  }

  emit(event: AnswerEvent): void {
    const told = this.#all
    for (const each of told) {
      if (each.event !== event) continue
      if (each.times === 'once') {
        // Somebody before it may have taken it away.
        if (!this.#all.includes(each)) continue
        this.#all = this.#all.filter(other => other !== each)
      }
      each.run()
    }
  }
}
