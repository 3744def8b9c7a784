package transport

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// call is one Do: what its layers tell each other, and the time it has. All but the timer belongs
// to the goroutine that runs Do. A layer that sends several requests at once gives each a call of
// its own.
type call struct {
	client     *Client
	parent     context.Context // the caller's
	ctx        context.Context // ends with a *failure as its cause, if it is ours that ends it
	cancel     context.CancelCauseFunc
	deadline   time.Time // zero: none
	inflate    bool      // gzip was asked for by us
	attempt    int       // at the present hop, from 1
	credential string    // source of what was sent at the present hop
	breaker    *breaker  // of the origin that answered at the present hop; nil before
	exhausted  bool      // the budget for retries is used up
	hop        int       // 0 before redirects

	// Of a registry with mirrors:
	rest     string        // what is asked for, below their URLs
	place    *place        // that answered the first hop
	at       *http.Request // what it was asked; nil where only one place can be
	tried    []*place      // whose redirects led to nothing
	refusals []string      // of mirrors that were of no use

	mu     sync.Mutex
	timer  *time.Timer
	reason *failure // why the call ends when the timer fires
	over   bool
	freed  bool
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// newCall starts the time of a call that holds a slot.
func newCall(req *http.Request, c *Client) *call {
	k := &call{client: c, parent: req.Context()}
	ctx, cancel := context.WithCancelCause(k.parent)
	k.ctx, k.cancel = context.WithValue(ctx, callKey{}, k), cancel
	if req.Body == nil || req.Body == http.NoBody {
		k.deadline = time.Now().Add(c.o.Total)
	}
	k.reason = expired("no answer within %v", c.o.Total)
	k.timer = time.AfterFunc(c.o.Total, k.expire)
	return k
}

// request makes the request of the first hop.
func (k *call) request(req *http.Request) *http.Request {
	r := req.Clone(k.ctx)
	r.Host = ""
	r.URL.Fragment, r.URL.RawFragment = "", ""
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Header["User-Agent"] == nil {
		r.Header["User-Agent"] = []string{k.client.o.UserAgent}
	}
	if r.Header["Accept-Encoding"] == nil && r.Header["Range"] == nil && r.Method != http.MethodHead {
		k.inflate = true
		r.Header["Accept-Encoding"] = []string{"gzip"}
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &upload{r.Body, k}
	}
	if get := r.GetBody; get != nil {
		r.GetBody = func() (io.ReadCloser, error) {
			body, err := get()
			if err != nil {
				return nil, err
			}
			return &upload{body, k}, nil
		}
	}
	return r
}

func (k *call) expire() {
	k.mu.Lock()
	reason, over := k.reason, k.over
	k.mu.Unlock()
	if !over {
		k.cancel(reason)
	}
}

// rearm gives the call d from now; 0 stops its time.
func (k *call) rearm(d time.Duration, reason *failure) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		return
	}
	k.timer.Stop()
	if d > 0 {
		k.reason = reason
		k.timer.Reset(d)
	}
}

// answered ends the time up to the header; that of the body is the body's affair.
func (k *call) answered() {
	k.mu.Lock()
	k.over = true
	k.mu.Unlock()
	k.timer.Stop()
}

// end frees all that the call holds. It may be called again.
func (k *call) end() {
	k.answered()
	k.cancel(nil)
	k.mu.Lock()
	freed := k.freed
	k.freed = true
	k.mu.Unlock()
	if !freed {
		<-k.client.slots
	}
}

// left says whether d fits into the time that the call and its caller have.
func (k *call) left(d time.Duration) bool {
	end := time.Now().Add(d)
	if !k.deadline.IsZero() && end.After(k.deadline) {
		return false
	}
	theirs, ok := k.parent.Deadline()
	return !ok || !end.After(theirs)
}

// upload is the body of a request. The wire has IdleBody for each piece it has read, and Total for
// the rest once it has all; the time that reading takes is not the wire's.
type upload struct {
	io.ReadCloser
	call *call
}

func (u *upload) Read(p []byte) (int, error) {
	u.call.rearm(0, nil)
	n, err := u.ReadCloser.Read(p)
	o := &u.call.client.o
	if err != nil {
		u.call.rearm(o.Total, expired("no answer within %v", o.Total))
	} else {
		u.call.rearm(o.IdleBody, expired("the server took nothing more for %v", o.IdleBody))
	}
	return n, err
}

// expired is the end of a call's time; within the call there is no other attempt.
func expired(format string, args ...any) *failure {
	f := unavailable(format, args...)
	f.again = false
	return f
}
