// Says what npm's own matcher makes of patterns and paths: {patterns, paths} on stdin, argv[2] the folder of npm.
const {createRequire} = require('module');
const {Minimatch} = createRequire(process.argv[2] + '/package.json')('minimatch');
const {patterns, paths} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const options = {matchBase: true, dot: true, flipNegate: true, nocase: true};
console.log(JSON.stringify(patterns.map(p => {
	const m = new Minimatch(p, options);
	return {
		negated: m.negate,
		short: m.globParts.some(part => part.length <= (part[part.length - 1] ? 1 : 2)),
		match: paths.map(path => m.match(path)),
		prefix: paths.map(path => m.match(path, true)),
	};
})));
