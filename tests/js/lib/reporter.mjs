// Reports one line per suite, every failure in full, and a last line with the counts.
//
// The times are those of the tests, since suites of several files run at the same time. TIMES names a file for them.
import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

const { Base } = Mocha.reporters
const { EVENT_SUITE_BEGIN, EVENT_SUITE_END, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_END, EVENT_RUN_END } = Mocha.Runner.constants

export default class Compact extends Base {
  constructor(runner, options) {
    super(runner, options)
    // Suites may silence the console; the report must not depend on it.
    const print = console.log.bind(console)
    let depth = 0
    let counts = { passed: 0, failed: 0, time: 0 }
    const times = []
    const outermost = () => depth === 1
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      if (suite.root) return
      depth += 1
      if (outermost()) counts = { passed: 0, failed: 0, time: 0 }
    })
    runner.on(EVENT_TEST_PASS, () => { counts.passed += 1 })
    runner.on(EVENT_TEST_FAIL, () => { counts.failed += 1 })
    runner.on(EVENT_TEST_END, (test) => {
      const seconds = (test.duration ?? 0) / 1000
      counts.time += seconds
      times.push(`${seconds}\t${test.fullTitle()}`)
    })
    runner.on(EVENT_SUITE_END, (suite) => {
      if (suite.root) return
      if (outermost()) {
        print(`${counts.failed ? 'FAIL' : '  ok'} ${suite.title}: ${counts.passed} passed, ${counts.failed} failed, ${counts.time.toFixed(1)} s`)
      }
      depth -= 1
    })
    runner.once(EVENT_RUN_END, () => {
      if (process.env.TIMES) writeFileSync(process.env.TIMES, times.join('\n'))
      Base.list(this.failures)
      print(`\n${this.stats.passes} passed, ${this.stats.failures} failed`)
    })
  }
}
