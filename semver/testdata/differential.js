'use strict'
// Answers questions about versions and ranges with npm's semver, one line of JSON each.
// Usage: node differential.js <folder of the semver package> < requests > answers

const readline = require('readline')
const semver = require(process.argv[2])

const loose = { loose: true }
const including = { loose: true, includePrerelease: true }

// attempt is the outcome of f, or other if it throws.
const attempt = (f, other) => {
  try {
    return f()
  } catch {
    return other
  }
}

// versionOf is [normalised version, prerelease, build], or null.
const versionOf = (s, options) => attempt(() => {
  const v = new semver.SemVer(s, options)
  return [v.version, v.prerelease.join('.'), v.build.join('.')]
}, null)

const answers = {
  version: ({ s }) => [versionOf(s), versionOf(s, true)],

  // The normalised range in each mode, one digit for each version with a bit for each mode (9 if
  // a mode throws instead of answering), and the highest version.
  range: ({ s, versions }) => {
    const modes = [{}, loose, including]
    const ranges = modes.map(options => attempt(() => new semver.Range(s, options), null))
    const matches = versions.map(v => attempt(() => ranges.reduce((bits, r, i) => {
      return bits | (r && r.test(v) ? 1 << i : 0)
    }, 0), 9))
    return {
      ranges: ranges.map(r => r && r.range),
      matches: matches.join(''),
      max: semver.maxSatisfying(versions, s, loose),
      satisfies: versions.length > 0 && semver.satisfies(versions[0], s, loose),
    }
  },

  compare: ({ a, b }) => attempt(() => [
    semver.compare(a, b, true),
    semver.compareBuild(a, b, true),
  ], null),

  sort: ({ versions }) => semver.sort(versions, true),

  // "yes", "no", "invalid", or "throws" if both are valid.
  intersects: ({ a, b }) => [{}, loose, including].map(options => attempt(() => {
    const [x, y] = [new semver.Range(a, options), new semver.Range(b, options)]
    return attempt(() => x.intersects(y, options) ? 'yes' : 'no', 'throws')
  }, 'invalid')),
}

let out = []
const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity })
lines.on('line', line => {
  const request = JSON.parse(line)
  out.push(JSON.stringify(answers[request.ask](request)))
  if (out.length === 1000) {
    process.stdout.write(out.join('\n') + '\n')
    out = []
  }
})
lines.on('close', () => {
  out.push('')
  process.stdout.write(out.join('\n'))
})
