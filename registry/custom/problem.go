package custom

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pantry-go/pantry"
)

// fault is an answer that is a problem.
type fault struct {
	status int
	code   string
	detail string
}

func (f *fault) Error() string { return f.detail }

func problem(status int, code, format string, args ...any) *fault {
	return &fault{status: status, code: code, detail: line(fmt.Sprintf(format, args...))}
}

// problemDoc is RFC 9457, with the "error" that older servers of the convention answer.
type problemDoc struct {
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Code     string `json:"code"`
	Error    string `json:"error"`
	Instance string `json:"instance"`
}

// titles of the problems. A code that is not here has the text of its status.
func title(code string, status int) string {
	switch code {
	case "package_not_found":
		return "Package not found"
	case "version_not_found":
		return "Package version not found"
	case "tag_not_found":
		return "Tag not found"
	case "version_exists":
		return "Version already exists"
	case "checksum_mismatch":
		return "Checksum does not match the tarball"
	case "manifest_mismatch":
		return "Metadata does not match the tarball"
	case "bad_archive":
		return "Tarball not acceptable"
	case "bad_name":
		return "Invalid package name"
	case "bad_version":
		return "Invalid version"
	}
	return http.StatusText(status)
}

// fail answers with what err means.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to read it
	}
	f := faultOf(err)
	doc := problemDoc{
		Title: title(f.code, f.status), Status: f.status, Detail: f.detail, Code: f.code, Instance: r.URL.EscapedPath(),
	}
	doc.Error = doc.Title
	body, encodeErr := encode(doc)
	if encodeErr != nil {
		body = nil
	}
	header := w.Header()
	for _, k := range []string{"ETag", "Content-Length", "Content-Location", "Accept-Ranges"} {
		header.Del(k)
	}
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	switch f.status {
	case http.StatusNotFound:
		header.Set("Cache-Control", caching(r, cacheNotFound))
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", retryAfter)
	}
	w.WriteHeader(f.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// faultOf is the one place where errors of a registry become statuses. What an upstream said
// goes to the client only where it is about the client's wish: a failure of ours is not its
// affair, and may name hosts that are not.
func faultOf(err error) *fault {
	var f *fault
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, pantry.ErrIntegrity):
		return problem(http.StatusBadGateway, "bad_upstream", "the tarball does not match its checksum")
	case errors.Is(err, pantry.ErrExists):
		return problem(http.StatusConflict, "version_exists", "the version is there already, with other bytes")
	case errors.Is(err, pantry.ErrDenied):
		return problem(http.StatusForbidden, "forbidden", "the registry refused this")
	case errors.Is(err, pantry.ErrPolicy):
		return problem(http.StatusForbidden, "forbidden", "%v", err)
	case errors.Is(err, pantry.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusServiceUnavailable, "unavailable", "the registry could not be reached")
	case errors.Is(err, pantry.ErrInvalid):
		return problem(http.StatusBadGateway, "bad_upstream", "the registry gave no usable answer")
	case errors.Is(err, pantry.ErrUnsupported):
		return problem(http.StatusNotImplemented, "unsupported", "the registry cannot do this")
	case errors.Is(err, pantry.ErrVersionNotFound):
		return problem(http.StatusNotFound, "version_not_found", "the package has no such version")
	case errors.Is(err, pantry.ErrNotFound):
		return problem(http.StatusNotFound, "package_not_found", "there is no such package")
	case errors.Is(err, pantry.ErrConfig):
		return problem(http.StatusUnprocessableEntity, "refused", "%v", err)
	}
	return problem(http.StatusInternalServerError, "internal", "something went wrong")
}
