package adapter

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter/scheme"
)

const (
	// stopTime is how long a program may take to end after its input has ended, and to answer what
	// nobody waits for any more.
	stopTime = 2 * time.Second
	// maxStderr is how much of what the program wrote to its standard error is kept for messages: the
	// end of it.
	maxStderr = 2 << 10
)

// process is a running program. Questions go out and answers come in as lines of JSON, in any order.
type process struct {
	cmd    *exec.Cmd
	hello  Hello
	scheme *scheme.Scheme
	out    chan []byte   // lines for its standard input
	quit   chan struct{} // closed to end the input
	dead   chan struct{} // closed when it has ended, after err was set
	errors tail          // its standard error

	stopOnce sync.Once

	mu      sync.Mutex
	next    int
	waiting map[int]chan reply // by id; a channel that nobody reads has room for the one answer
	late    map[int]*time.Timer
	err     error
}

// reply is a line from the program.
type reply struct {
	ID     *int            `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *replyError     `json:"error"`
}

type replyError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Codes are the codes of errors that programs answer with.
func Codes() map[string]error {
	return map[string]error{
		"not_found": pantry.ErrNotFound, "version_not_found": pantry.ErrVersionNotFound, "denied": pantry.ErrDenied,
		"unavailable": pantry.ErrUnavailable, "invalid": pantry.ErrInvalid, "unsupported": pantry.ErrUnsupported,
		"config": pantry.ErrConfig,
	}
}

// err is the error that a reply stands for. Codes that are not known are those of a failure.
func (e *replyError) err() error {
	class, ok := Codes()[e.Code]
	if !ok {
		class = pantry.ErrUnavailable
	}
	err := class
	if m := line(e.Message); m != "" {
		err = fmt.Errorf("%w: %s", class, quote(m))
	}
	if h := line(e.Hint); h != "" {
		err = pantry.WithHint(err, "%s", h)
	}
	return err
}

// startProcess runs a program, in a group of its own so that what it starts ends with it.
func startProcess(command, env []string) (*process, error) {
	p := &process{
		cmd: exec.Command(command[0], command[1:]...), out: make(chan []byte), quit: make(chan struct{}), dead: make(chan struct{}),
		waiting: map[int]chan reply{}, late: map[int]*time.Timer{},
	}
	p.cmd.Env = env
	p.cmd.Stderr = &p.errors
	p.cmd.WaitDelay = stopTime // for a grandchild that holds the pipes open
	ownGroup(p.cmd)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.write(in)
	go p.read(out)
	return p, nil
}

// write sends lines until the program ends or is to end.
func (p *process) write(in io.WriteCloser) {
	defer in.Close()
	for {
		select {
		case l := <-p.out:
			if _, err := in.Write(l); err != nil {
				return
			}
		case <-p.quit:
			return
		case <-p.dead:
			return
		}
	}
}

// read takes answers until the program ends, and then ends what waits for it.
func (p *process) read(out io.Reader) {
	s := bufio.NewScanner(out)
	s.Buffer(make([]byte, 0, 64<<10), maxMessage)
	var bad error
	for bad == nil && s.Scan() {
		bad = p.answer(s.Bytes())
	}
	if err := s.Err(); bad == nil && errors.Is(err, bufio.ErrTooLong) {
		bad = fmt.Errorf("%w: the program wrote a line of more than %d bytes", pantry.ErrInvalid, maxMessage)
	}
	if bad != nil {
		killGroup(p.cmd)
	} else {
		p.stop() // its output has ended: nothing more can come
	}
	wait := p.cmd.Wait()
	p.mu.Lock()
	p.err = p.epitaph(bad, wait)
	for _, t := range p.late {
		t.Stop()
	}
	p.mu.Unlock()
	close(p.dead)
}

// epitaph says why the program ended.
func (p *process) epitaph(bad, wait error) error {
	err := bad
	if err == nil {
		err = fmt.Errorf("%w: the program ended before it answered", pantry.ErrUnavailable)
		if wait != nil {
			err = fmt.Errorf("%w (%s)", err, line(wait.Error()))
		}
	}
	if said := line(p.errors.String()); said != "" {
		err = fmt.Errorf("%w; it said: %s", err, said)
	}
	return err
}

// answer hands a line to who waits for it.
func (p *process) answer(l []byte) error {
	var r reply
	if err := json.Unmarshal(l, &r); err != nil || r.ID == nil || (r.Error == nil) == (r.Result == nil) {
		err := fmt.Errorf("%w: the program wrote a line that is no answer: %s", pantry.ErrInvalid, quote(string(l[:min(len(l), 200)])))
		return pantry.WithHint(err, "a program's standard output is for answers alone; it may write to standard error")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.waiting[*r.ID]; ok {
		delete(p.waiting, *r.ID)
		c <- r
		return nil
	}
	if t, ok := p.late[*r.ID]; ok {
		t.Stop()
		delete(p.late, *r.ID)
		return nil
	}
	return fmt.Errorf("%w: the program answered a question that was not asked (id %d)", pantry.ErrInvalid, *r.ID)
}

// ask sends a question and waits for its answer. When ctx ends first, the program is told; if it does
// not answer soon all the same, it is stuck and is killed.
func (p *process) ask(ctx context.Context, method string, params any) (json.RawMessage, error) {
	c := make(chan reply, 1)
	p.mu.Lock()
	p.next++
	id := p.next
	p.waiting[id] = c
	p.mu.Unlock()
	l, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	select {
	case p.out <- append(l, '\n'):
	case <-p.dead:
		return nil, p.err
	case <-ctx.Done():
		p.mu.Lock()
		delete(p.waiting, id) // it was not sent
		p.mu.Unlock()
		return nil, ctx.Err()
	}
	select {
	case r := <-c:
		if r.Error != nil {
			return nil, r.Error.err()
		}
		return r.Result, nil
	case <-p.dead:
		select {
		case r := <-c: // its last words
			if r.Error == nil {
				return r.Result, nil
			}
		default:
		}
		return nil, p.err
	case <-ctx.Done():
		p.abandon(id)
		p.tell("cancel", map[string]int{"id": id})
		return nil, ctx.Err()
	}
}

// abandon waits for an answer that nobody wants, for a while.
func (p *process) abandon(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.waiting[id]; ok {
		delete(p.waiting, id)
		p.late[id] = time.AfterFunc(stopTime, func() { killGroup(p.cmd) })
	}
}

// owes says whether the program has yet to answer a question that nobody waits for any more.
func (p *process) owes() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.late) > 0
}

// tell sends something that is not answered, if the program listens soon.
func (p *process) tell(method string, params any) {
	l, err := json.Marshal(map[string]any{"method": method, "params": params})
	if err != nil {
		return
	}
	go func() {
		t := time.NewTimer(stopTime)
		defer t.Stop()
		select {
		case p.out <- append(l, '\n'):
		case <-p.dead:
		case <-t.C:
		}
	}()
}

// stop ends the program's input, which asks it to end, and kills it if it does not. It does not wait.
func (p *process) stop() {
	p.stopOnce.Do(func() {
		close(p.quit)
		t := time.AfterFunc(stopTime, func() { killGroup(p.cmd) })
		go func() {
			<-p.dead
			t.Stop()
		}()
	})
}

func (p *process) ended() bool {
	select {
	case <-p.dead:
		return true
	case <-p.quit:
		return true
	default:
		return false
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b[max(0, len(b)-maxStderr):]...)
	t.end = t.end[max(0, len(t.end)-maxStderr):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}
