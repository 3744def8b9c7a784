package transport_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Answers that end too early, or are broken. Each must be an error, never a short success.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	z := string(zip(t, []byte(strings.Repeat("hello ", 1000))))
	zipped := func(body string, length int) string {
		return fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", ok, length, body)
	}
	tests := []struct {
		name, answer string
		want         error
		cut          bool // matches io.ErrUnexpectedEOF
		phrase       string
	}{
		{"nothing", "", pantry.ErrUnavailable, false, "without an answer"},
		{"half a header", ok + "X: y\r\n", pantry.ErrUnavailable, true, "in the middle of its answer"},
		{"short", ok + "Content-Length: 100\r\n\r\nabc", pantry.ErrUnavailable, true, "broke off after 3 of 100 bytes"},
		{"no body", ok + "Content-Length: 100\r\n\r\n", pantry.ErrUnavailable, true, "broke off after 0 of 100 bytes"},
		{"short chunk", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc", pantry.ErrUnavailable, true, "broke off"},
		{"no last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", pantry.ErrUnavailable, true, "broke off after 3 bytes"},
		{"bad chunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", pantry.ErrUnavailable, false, "exchange"},
		{"two lengths", ok + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", pantry.ErrUnavailable, false, ""},
		{"no HTTP", "\x1b[31mhello\r\n\r\n", pantry.ErrUnavailable, false, "malformed HTTP"},
		{"gzip on the wire cut", zipped(z[:len(z)-9], len(z)), pantry.ErrUnavailable, true, "broke off"},
		{"gzip cut", zipped(z[:len(z)-9], len(z)-9), pantry.ErrUnavailable, true, "compressed answer broke off"},
		{"gzip corrupt", zipped(z[:20]+"????"+z[24:], len(z)), pantry.ErrInvalid, false, "corrupt"},
		{"gzip with a wrong sum", zipped(z[:len(z)-8]+"????"+z[len(z)-4:], len(z)), pantry.ErrInvalid, false, "corrupt"},
		{"not gzip", zipped("hello hello hello", 17), pantry.ErrInvalid, false, "corrupt"},
		{"more after gzip", zipped(z+"more and more", len(z)+13), pantry.ErrInvalid, false, "corrupt"},
		{"coding not asked for", ok + "Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc", pantry.ErrInvalid, false, `"br"`},
		{"304 unasked", "HTTP/1.1 304 Not Modified\r\n\r\n", pantry.ErrInvalid, false, "304"},
		{"206 unasked", "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\r\nabc", pantry.ErrInvalid, false, "206"},
		{"status 299", "HTTP/1.1 299 X\r\nContent-Length: 3\r\n\r\nab", pantry.ErrUnavailable, true, ""},
		{"status 999", "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", pantry.ErrInvalid, false, "status 999"},
		{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", pantry.ErrInvalid, false, "101"},
		{"300", "HTTP/1.1 300 Multiple Choices\r\nContent-Length: 0\r\n\r\n", pantry.ErrInvalid, false, "300"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := "http://" + answering(t, tt.answer, false)
			data, err := get(t, newClient(t, transport.Options{URL: url, Retries: ptr(1)}), url)
			if !errors.Is(err, tt.want) || data != nil {
				t.Fatalf("got %q, %v; want %v", data, err, tt.want)
			}
			if got := errors.Is(err, io.ErrUnexpectedEOF); got != tt.cut {
				t.Errorf("matches io.ErrUnexpectedEOF: %v", got)
			}
			mustContain(t, err.Error(), tt.phrase, url)
			if strings.ContainsAny(err.Error(), "\x1b\r\n") {
				t.Errorf("control characters in %q", err)
			}
		})
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	addr := raw(t, func(conn net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	_, err := get(t, newClient(t, transport.Options{URL: "http://" + addr}), "http://"+addr)
	if !errors.Is(err, pantry.ErrUnavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// What is odd but whole is taken.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, answer, want string }{
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", "hello"},
		{"long", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello, more", "hello"},
		{"text", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", "hello"},
		{"hints first", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
		{"empty gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", ""},
		{"identity", "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", "hello"},
		{"204", "HTTP/1.1 204 No Content\r\n\r\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := "http://" + answering(t, tt.answer, false)
			data, err := get(t, newClient(t, transport.Options{URL: url}), url)
			if err != nil || string(data) != tt.want {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}

// drip writes pieces at an interval until the client is gone.
func drip(conn net.Conn, every time.Duration, piece func(i int) []byte) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		p := piece(i)
		if p == nil {
			return
		}
		if _, err := conn.Write(p); err != nil {
			return
		}
		<-tick.C
	}
}

// Servers that do not come to an end. Each must be given up within the bound that is for it.
func TestBounds(t *testing.T) {
	t.Parallel()
	const (
		short = 60 * time.Millisecond
		ok    = "HTTP/1.1 200 OK\r\n"
	)
	zeros := zip(t, make([]byte, 8<<20)) // 8 kB
	header := []byte(ok + "X: " + strings.Repeat("x", 1<<16))
	request := func(conn net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(conn)) }
	tests := []struct {
		name, scheme string
		server       func(net.Conn)
		o            transport.Options
		phrase       string
	}{
		{"silent", "http", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
			transport.Options{Timeout: short}, "no answer from "},
		{"silent in total", "http", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
			transport.Options{Total: short}, "no answer within 60ms"},
		{"silent TLS", "https", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
			transport.Options{Connect: short}, "no TLS handshake with "},
		{"slow header", "http", func(conn net.Conn) {
			request(conn)
			drip(conn, time.Millisecond, func(i int) []byte { return header[i : i+1] })
		}, transport.Options{Total: short}, "no answer within 60ms"},
		{"endless header", "http", func(conn net.Conn) {
			request(conn)
			_, _ = io.WriteString(conn, ok)
			for line := strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 64); ; {
				if _, err := io.WriteString(conn, line); err != nil {
					return
				}
			}
		}, transport.Options{}, "exceeded"},
		{"endless hints", "http", func(conn net.Conn) {
			request(conn)
			for line := strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 64); ; {
				if _, err := io.WriteString(conn, line); err != nil {
					return
				}
			}
		}, transport.Options{}, ""},
		{"body stalls", "http", func(conn net.Conn) {
			request(conn)
			_, _ = io.WriteString(conn, ok+"Content-Length: 100\r\n\r\nabc")
			_, _ = io.Copy(io.Discard, conn)
		}, transport.Options{IdleBody: short}, "no data for 60ms"},
		{"body trickles", "http", func(conn net.Conn) {
			request(conn)
			_, _ = io.WriteString(conn, ok+"Content-Length: 100000\r\n\r\n")
			drip(conn, 5*time.Millisecond, func(int) []byte { return []byte{'x'} })
		}, transport.Options{RateWindow: short}, "bytes came in "},
		{"gzip trickles", "http", func(conn net.Conn) {
			request(conn)
			_, _ = io.WriteString(conn, ok+"Content-Encoding: gzip\r\n\r\n")
			drip(conn, 5*time.Millisecond, func(i int) []byte { return zeros[i : i+1] })
		}, transport.Options{RateWindow: short}, "bytes came in "},
		{"error body stalls", "http", func(conn net.Conn) {
			request(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n{")
			_, _ = io.Copy(io.Discard, conn)
		}, transport.Options{Total: short}, "503 Service Unavailable"},
		{"redirects slowly", "http", func(conn net.Conn) {
			for r := bufio.NewReader(conn); ; {
				if _, err := http.ReadRequest(r); err != nil {
					return
				}
				<-time.After(10 * time.Millisecond)
				_, _ = io.WriteString(conn, "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
			}
		}, transport.Options{Total: short}, "no answer within 60ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := tt.scheme + "://" + raw(t, tt.server)
			tt.o.URL, tt.o.Retries = url, ptr(1)
			start := time.Now()
			_, err := get(t, newClient(t, tt.o), url)
			if !errors.Is(err, pantry.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			mustContain(t, err.Error(), tt.phrase)
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// Slow is no fault, as long as it goes on; neither is a slow reader. Not parallel, since the floods
// of other tests could hold up the server.
func TestSlowButSteady(t *testing.T) {
	piece := bytes.Repeat([]byte("x"), 1<<10)
	addr := raw(t, func(conn net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 12*len(piece))
		drip(conn, 70*time.Millisecond, func(i int) []byte {
			if i == 12 {
				return nil
			}
			return piece
		})
	})
	c := newClient(t, transport.Options{
		URL: "http://" + addr, Total: 500 * time.Millisecond, Timeout: time.Second, IdleBody: 600 * time.Millisecond,
		RateWindow: 20 * time.Millisecond, MinRate: 100,
	})
	data, err := get(t, c, "http://"+addr)
	if err != nil || len(data) != 12*len(piece) {
		t.Errorf("got %d bytes, %v", len(data), err)
	}

	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(piece) })
	c = newClient(t, transport.Options{URL: s.URL, IdleBody: 20 * time.Millisecond, RateWindow: 20 * time.Millisecond, Total: 100 * time.Millisecond, MinRate: 1 << 20})
	resp, err := c.Get(t.Context(), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	<-time.After(150 * time.Millisecond)
	if data, err := io.ReadAll(resp.Body); err != nil || len(data) != len(piece) {
		t.Errorf("a slow reader got %d bytes, %v", len(data), err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	url := "http://" + answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", true)
	silent := "http://" + answering(t, "", true)
	c := newClient(t, transport.Options{URL: url})

	ctx, cancel := context.WithCancel(t.Context())
	resp, err := c.Get(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err = resp.Body.Read(make([]byte, 1))
	checkCanceled(t, err)
	_ = resp.Body.Close()

	_, err = c.Get(ctx, url, nil)
	checkCanceled(t, err)

	ctx, cancel = context.WithCancel(t.Context())
	context.AfterFunc(ctx, func() {})
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = c.Get(ctx, silent, nil)
	checkCanceled(t, err)

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = c.Get(ctx, silent, nil)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, pantry.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// MaxConns bounds what goes on at once, and waiting for a turn takes nothing from a request's time.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	url := "http://" + answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", true)
	c := newClient(t, transport.Options{URL: url, MaxConns: 1, Total: 100 * time.Millisecond})
	first, err := c.Get(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if _, err := c.Get(ctx, url, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second got %v", err)
	}
	time.AfterFunc(150*time.Millisecond, func() { _ = first.Body.Close() })
	second, err := c.Get(t.Context(), url, nil)
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	_ = second.Body.Close()
	_ = second.Body.Close() // frees nothing that is not its own
	third, err := c.Get(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = third.Body.Close()
}

func TestCompression(t *testing.T) {
	t.Parallel()
	content := []byte(strings.Repeat("content ", 10000))
	packed := zip(t, content)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.URL.Path == "/always" {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
			return
		}
		_, _ = w.Write(content)
	})
	c := newClient(t, transport.Options{URL: s.URL})
	tests := []struct {
		name, path string
		h          http.Header
		want       []byte
		length     int64
	}{
		{"transparent", "/", nil, content, -1},
		{"identity", "/", http.Header{"accept-encoding": {"identity"}}, content, -1},
		{"identity not obeyed", "/always", http.Header{"Accept-Encoding": {"identity"}}, packed, int64(len(packed))},
		{"asked for by the caller", "/", http.Header{"Accept-Encoding": {"gzip"}}, packed, int64(len(packed))},
	}
	for _, tt := range tests {
		for range 3 { // inflaters are used again
			resp, err := c.Get(t.Context(), s.URL+tt.path, tt.h)
			if err != nil {
				t.Fatal(err)
			}
			data, err := transport.ReadAll(resp.Body, resp.ContentLength, 1<<20)
			_ = resp.Body.Close()
			if err != nil || !bytes.Equal(data, tt.want) || resp.ContentLength != tt.length {
				t.Errorf("%s: %d bytes of %d, %v", tt.name, len(data), resp.ContentLength, err)
			}
		}
	}
	resp, err := c.Get(t.Context(), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := transport.ReadAll(resp.Body, resp.ContentLength, 1000); !errors.Is(err, pantry.ErrInvalid) {
		t.Errorf("more than the limit after decompression: %v", err)
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	var got string
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.UserAgent() })
	for _, tt := range []struct {
		o    transport.Options
		want string
	}{
		{transport.Options{}, "pantry"},
		{transport.Options{UserAgent: "pantry/1.2.3"}, "pantry/1.2.3"},
		{transport.Options{UserAgent: "pantry/1.2.3", Headers: map[string]string{"user-agent": "mine"}}, "mine"},
	} {
		tt.o.URL = s.URL
		if _, err := get(t, newClient(t, tt.o), s.URL); err != nil || got != tt.want {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// The same guards hold over HTTP/2.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	s, ca := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/whole" {
			_, _ = io.WriteString(w, r.Proto)
			return
		}
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "abc")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/stalls" {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	})
	c := newClient(t, transport.Options{URL: s.URL, CA: ca, IdleBody: 100 * time.Millisecond})
	_, err := get(t, c, s.URL+"/stalls")
	if !errors.Is(err, pantry.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	mustContain(t, fmt.Sprint(err), "no data for 100ms")
	_, err = get(t, c, s.URL+"/cut")
	if !errors.Is(err, pantry.ErrUnavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if data, err := get(t, c, s.URL+"/whole"); err != nil || string(data) != "HTTP/2.0" {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
	wg.Wait()
}
