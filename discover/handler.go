package discover

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// documentAge is how long a document may be kept by who read it, in seconds: it changes when a
// registry is added, and whoever waits for that can wait five minutes.
const documentAge = 300

// Handler serves the document of some registries at [WellKnown], for GET and HEAD. URLs may be
// relative ("/npm/"), so that the server need not know by which name it is reached. The document is
// made once, and is for everybody: registries with a name that not everybody may know do not belong
// in it.
func Handler(registries []Registry) http.Handler {
	if registries == nil {
		registries = []Registry{}
	}
	body, err := json.MarshalIndent(Document{Version: Version, Registries: registries}, "", "  ")
	body = append(body, '\n')
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != WellKnown:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		case err != nil:
			http.Error(w, "the document cannot be made", http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(documentAge))
			w.Header().Set("X-Content-Type-Options", "nosniff")
			if r.Method == http.MethodGet {
				_, _ = w.Write(body)
			}
		}
	})
}
