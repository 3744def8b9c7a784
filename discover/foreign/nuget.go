package foreign

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pantry-go/pantry"
)

// readNuGet reads the package sources of a nuget.config, to show them: Pantry does not speak NuGet's
// protocol. Passwords in it are told like others.
func readNuGet(r *reader) error {
	d := xml.NewDecoder(bytes.NewReader(r.data))
	var path []string
	for n := 0; ; n++ {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(path) == 0 && n > 0 {
			return nil
		}
		if err != nil || n > maxNodes || len(path) > maxDepth {
			return fmt.Errorf("%w: it is no XML of the expected shape", pantry.ErrInvalid)
		}
		switch t := token.(type) {
		case xml.StartElement:
			line, _ := d.InputPos()
			r.nuget(path, t, line)
			path = append(path, strings.ToLower(t.Name.Local))
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
}

func (r *reader) nuget(path []string, e xml.StartElement, line int) {
	if !strings.EqualFold(e.Name.Local, "add") || len(path) < 2 {
		return
	}
	var key, value string
	for _, a := range e.Attr {
		switch strings.ToLower(a.Name.Local) {
		case "key":
			key = a.Value
		case "value":
			value = a.Value
		}
	}
	switch path[1] {
	case "packagesources":
		r.add(found{name: key, typ: "nuget", url: value, line: line, reason: "there is no registry type that speaks NuGet's protocol"})
	case "packagesourcecredentials":
		if strings.EqualFold(key, "ClearTextPassword") || strings.EqualFold(key, "Password") {
			r.secret(value, line, key+" of "+path[len(path)-1], false)
		}
	case "apikeys":
		r.secret(value, line, "the API key of "+key, false)
	}
}
