package custom

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"

	"github.com/pantry-go/pantry/integrity"
)

const (
	maxParts     = 16      // of a form; three are in use
	maxTag       = 256     // bytes
	maxOverheads = 1 << 20 // bytes of a form that are headers and parts nobody asked for
)

// upload is a publication as it was sent. Its tarball is in a temporary file.
type upload struct {
	metadata []byte
	tag      string
	tarball  *os.File
	size     int64
	packed   []byte // package.json of the tarball, once it has been looked for
}

// close removes the temporary file.
func (u *upload) close() {
	if u.tarball != nil {
		_ = u.tarball.Close()
		_ = os.Remove(u.tarball.Name())
	}
}

// receive reads a publication in either of its forms.
func (h *handler) receive(w http.ResponseWriter, r *http.Request) (*upload, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	up := new(upload)
	switch media {
	case "multipart/form-data":
		r.Body = http.MaxBytesReader(w, r.Body, h.o.MaxTarball+h.o.MaxMetadata+maxOverheads)
		err = h.receiveForm(up, multipart.NewReader(r.Body, params["boundary"]))
	case "application/json":
		r.Body = http.MaxBytesReader(w, r.Body, h.o.MaxJSON)
		err = h.receiveJSON(up, r)
	default:
		err = problem(http.StatusUnsupportedMediaType, "unsupported_media_type", "send multipart/form-data or application/json")
	}
	if err == nil && up.metadata == nil {
		err = problem(http.StatusBadRequest, "bad_form", "the metadata is missing")
	}
	if err == nil && up.tarball == nil {
		err = problem(http.StatusBadRequest, "bad_form", "the tarball is missing")
	}
	if err != nil {
		up.close()
		return nil, err
	}
	return up, nil
}

// bodyError is the fault of a body that could not be read.
func bodyError(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return problem(http.StatusRequestEntityTooLarge, "too_large", "at most %d bytes are taken", large.Limit)
	}
	return problem(http.StatusBadRequest, "bad_form", "the body cannot be read")
}

func (h *handler) receiveForm(up *upload, form *multipart.Reader) error {
	for range maxParts {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bodyError(err)
		}
		if err := h.receivePart(up, part); err != nil {
			return err
		}
	}
	return problem(http.StatusBadRequest, "bad_form", "the form has more than %d parts", maxParts)
}

func (h *handler) receivePart(up *upload, part *multipart.Part) (err error) {
	switch part.FormName() {
	case "metadata":
		if up.metadata != nil {
			return problem(http.StatusBadRequest, "bad_form", "the form has two metadata")
		}
		up.metadata, err = readPart(part, h.o.MaxMetadata)
	case "tag":
		var tag []byte
		tag, err = readPart(part, maxTag)
		up.tag = string(tag)
	case "tarball":
		if up.tarball != nil {
			return problem(http.StatusBadRequest, "bad_form", "the form has two tarballs")
		}
		err = h.spool(up, part)
	default:
		if _, err = io.Copy(io.Discard, part); err != nil {
			err = bodyError(err)
		}
	}
	return err
}

func readPart(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if int64(len(b)) > limit {
		return nil, bodyError(&http.MaxBytesError{Limit: limit})
	}
	return b, nil
}

// spool writes the tarball to a temporary file.
func (h *handler) spool(up *upload, r io.Reader) error {
	f, err := os.CreateTemp(h.o.TempDir, "pantry-upload-*.tgz")
	if err != nil {
		return err
	}
	up.tarball = f
	src := &source{r: io.LimitReader(r, h.o.MaxTarball+1)}
	up.size, err = io.Copy(f, src)
	switch {
	case src.err != nil:
		return bodyError(src.err)
	case err != nil:
		return err // the disk's, and no affair of the client
	case up.size > h.o.MaxTarball:
		return bodyError(&http.MaxBytesError{Limit: h.o.MaxTarball})
	}
	return nil
}

// source remembers how reading failed, to tell that from a failure to write.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (h *handler) receiveJSON(up *upload, r *http.Request) error {
	body := io.Reader(r.Body)
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		zr, err := gzip.NewReader(body)
		if err != nil {
			return bodyError(err)
		}
		body = zr
	}
	b, err := readPart(body, h.o.MaxJSON)
	if err != nil {
		return err
	}
	var d struct {
		Metadata json.RawMessage `json:"metadata"`
		Tarball  []byte          `json:"tarball"`
		Tag      string          `json:"tag"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return problem(http.StatusBadRequest, "bad_json", `the body is not {"metadata": {…}, "tarball": "base64"}`)
	}
	up.metadata, up.tag = d.Metadata, d.Tag
	if d.Tarball == nil {
		return nil
	}
	return h.spool(up, bytes.NewReader(d.Tarball))
}

// verify hashes the tarball, compares it with the digests that were sent, and returns its own.
func (u *upload) verify(d *versionDoc) (integrity.Set, error) {
	claimed, err := d.digests()
	if err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "checksum_mismatch", "%v", err)
	}
	if _, err := u.tarball.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	h := integrity.NewHasher(claimed)
	if _, err := io.Copy(h, u.tarball); err != nil {
		return nil, err
	}
	if err := cmp.Or(h.Verify(), disagreement(claimed)); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "checksum_mismatch", "%v", err)
	}
	return integrity.Set{h.SHA512()}, nil
}

func disagreement(set integrity.Set) error {
	if disagree(set) {
		return errors.New("two different digests of one algorithm were sent")
	}
	return nil
}
