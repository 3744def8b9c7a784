package pkgxtest

// Samples are projects to try things with. hello.example has the program hello, a shell script
// that runs a program of greeting.example and reads a file of it, which its recipe's environment
// points to; phrases.example comes along when hello.example is asked for. tools.example/count has
// versions of all shapes, one of them packed by gzip and one with a checksum as they were written
// before.
func Samples() []Project {
	return []Project{
		{Name: "hello.example", Recipe: helloRecipe, Bottles: []Bottle{hello("1.0.0"), hello("1.1.0"), hello("2.0.0")}},
		{Name: "greeting.example", Recipe: greetingRecipe, Bottles: []Bottle{greeting("1.0"), greeting("1.2"), greeting("2.0")}},
		{Name: "phrases.example", Recipe: "display-name: Phrases\nprovides: [bin/phrase]\n", Bottles: []Bottle{{
			Version: "3.1.4", Files: map[string]string{"bin/phrase": "#!/bin/sh\necho 'well begun is half done'\n"},
		}}},
		{Name: "tools.example/count", Recipe: countRecipe, Bottles: []Bottle{
			{Version: "2023.12.31", Files: count("2023.12.31")},
			{Version: "1.0.1", Files: count("1.0.1"), Gzip: true, Sum: Old},
			{Version: "1.1.1q", Files: count("1.1.1q"), Platforms: []string{"linux/x86-64", "linux/aarch64"}},
			{Version: "1.2", Files: count("1.2"), Gzip: true},
		}},
	}
}

const helloRecipe = `display-name: Hello
dependencies:
  greeting.example: ^1
companions:
  phrases.example: "*"
runtime:
  env:
    GREETING_FILE: ${{deps.greeting.example.prefix}}/share/greeting.txt
    HELLO_HOME: ${{prefix}}
    HELLO_PATH: ${{prefix}}/share:$HELLO_PATH
provides:
  - bin/hello
`

const greetingRecipe = `display-name: Greeting
versions:
  github: example/greeting/tags
provides:
  - bin/greet
`

const countRecipe = `display-name: Count
platforms: [linux, darwin]
provides:
  - bin/count
interprets:
  extensions: count
  args: [count, --file]
`

func hello(version string) Bottle {
	return Bottle{
		Version: version,
		Files: map[string]string{
			"bin/hello":          "#!/bin/sh\ngreet \"${1:-world}\"\necho \"this is hello " + version + "\"\n",
			"share/doc/hello.md": "# hello " + version + "\n",
		},
		Links: map[string]string{"bin/hi": "hello"},
	}
}

func greeting(version string) Bottle {
	return Bottle{Version: version, Files: map[string]string{
		"bin/greet":          "#!/bin/sh\necho \"$(cat \"$GREETING_FILE\"), $1!\"\n",
		"share/greeting.txt": "Hello",
	}}
}

func count(version string) map[string]string {
	return map[string]string{"bin/count": "#!/bin/sh\necho " + version + "\nwc -l \"$@\"\n"}
}
