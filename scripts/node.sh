# Puts Node.js on PATH, for . (source): the one that is there, else one from npm, installed with
# bin/pantry.
if ! command -v node >/dev/null 2>&1; then
	os=$(uname -s | tr '[:upper:]' '[:lower:]')
	arch=$(uname -m)
	case $arch in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; esac
	mkdir -p .cache/node
	bin/pantry install -C .cache/node --quiet --frozen-lockfile=false "node-$os-$arch@20" npm@11
	PATH="$PWD/.cache/node/node_modules/node-$os-$arch/bin:$PWD/.cache/node/node_modules/.bin:$PATH"
	export PATH
fi
