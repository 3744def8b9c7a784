package adapter_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter/adaptertest"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/transport"
)

// TestMain lets the tests' own binary be the programs that they run: its first argument says which.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if run, ok := programs()[os.Args[1]]; ok {
			if err := run(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// programs are those that the tests run.
func programs() map[string]func() error {
	return map[string]func() error{
		"a-good-program": serve,
		"a-program-that-dies": func() error {
			fmt.Fprintln(os.Stderr, "first line\nno \x1b[31mtoner\x1b[0m left")
			os.Exit(3)
			return nil
		},
		"a-noisy-program":          func() error { return say("listening on port 80") },
		"a-program-of-no-scheme":   func() error { return say(`{"id":1,"result":{"protocol":1,"versions":"roman"}}`) },
		"a-program-of-the-future":  func() error { return say(`{"id":1,"result":{"protocol":2,"versions":"semver"}}`) },
		"a-program-that-guesses":   func() error { return say(`{"id":77,"result":{}}`) },
		"a-program-of-few-words":   func() error { return say(`{"id":1}`) },
		"a-program-without-id":     func() error { return say(`{"result":{}}`) },
		"a-program-of-wrong-shape": func() error { return say(`{"id":1,"result":[1]}`) },
		"a-program-without-end":    endless,
		"a-silent-program":         func() error { _, err := io.Copy(io.Discard, os.Stdin); return err },
		"a-deaf-program":           func() error { select {} },
		"a-program-with-answers":   answers,
		"a-curious-program":        environment,
	}
}

// serve is a program over a server of the REST convention.
func serve() error {
	return adaptertest.Serve(os.Stdin, os.Stdout, func(url string, auth map[string]string) (pantry.Registry, error) {
		o := transport.Options{URL: url, Retries: new(int)}
		if auth["type"] == "bearer" {
			o.Credentials = []transport.Credential{transport.Bearer(pantry.NewSecret(auth["token"]), "the client")}
		}
		c, err := transport.New(o)
		if err != nil {
			return nil, err
		}
		return custom.New(custom.Options{Name: "behind", Client: c})
	})
}

// say answers the first question with a line, and then reads to the end.
func say(l string) error {
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	fmt.Println(l)
	_, err := io.Copy(io.Discard, in)
	return err
}

func endless() error {
	b := []byte(strings.Repeat("x", 1<<20))
	for {
		if _, err := os.Stdout.Write(b); err != nil {
			return err
		}
	}
}

// answers is hello, and then its second argument for everything, with ID in place of the id.
func answers() error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		l := `{"id":ID,"result":{"protocol":1,"versions":"semver","search":true}}`
		if n > 1 {
			l = os.Args[2]
		}
		fmt.Println(strings.ReplaceAll(l, "ID", fmt.Sprint(n)))
	}
	return in.Err()
}

// environment tells its variables as a package's versions, in the tags.
func environment() error {
	in := bufio.NewScanner(os.Stdin)
	for n := 1; in.Scan(); n++ {
		if n == 1 {
			fmt.Printf(`{"id":1,"result":{"protocol":1,"versions":"semver","name":%q}}`+"\n", strings.Join(os.Environ(), "|"))
		}
	}
	return in.Err()
}
