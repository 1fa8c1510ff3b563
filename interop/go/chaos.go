package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"golang.org/x/sys/unix"
)

// The chaos-... subcommands are clients of a chaos run: they use locks again and again until standard input ends, and
// note what they believe in the lines of holdfast-history, in a file of their own. Their arguments are
//
//	ENDPOINTS NAMESPACE LOCKS NAME TTL_SECONDS SEED NOTES REGISTERS [ETCDCTL]
//
// A Go mutex has no deadline: who holds one believes in it until it unlocks it, or its session says that it is gone.

const (
	lockPatience   = 20 * time.Second
	unlockPatience = 5 * time.Second
	commitPatience = 10 * time.Second
	restMillis     = 80
)

type chaosClient struct {
	endpoints  []string
	namespace  string
	locks      []string
	name       string
	ttlSeconds int
	luck       *rand.Rand
	notes      *os.File
	registers  string
	elements   int
	ending     atomic.Bool
}

func newChaosClient(args []string) (*chaosClient, error) {
	if len(args) < 8 {
		return nil, errors.New("a chaos client has 8 arguments")
	}
	ttlSeconds, err := positive("TTL_SECONDS", args, 4, 0)
	if err != nil {
		return nil, err
	}
	seed, err := strconv.ParseInt(args[5], 10, 64)
	if err != nil {
		return nil, err
	}
	// Every line is one write at the end of the file: it stays when the process is killed.
	notes, err := os.OpenFile(args[6], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	client := &chaosClient{
		endpoints: strings.Split(args[0], ","), namespace: args[1], locks: strings.Split(args[2], ","), name: args[3],
		ttlSeconds: ttlSeconds, luck: rand.New(rand.NewSource(seed)), notes: notes, registers: args[7],
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		client.ending.Store(true)
	}()
	return client, nil
}

// monotonicNanos is the clock that Java's System.nanoTime() reads on Linux.
func monotonicNanos() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return now.Nano()
}

func (c *chaosClient) note(kind, lock, more string) {
	fmt.Fprintf(c.notes, "%s\tat=%d\twho=%s\tlock=%s%s\n", kind, monotonicNanos(), c.name, lock, more)
}

func (c *chaosClient) problem(format string, args ...any) {
	text := strings.NewReplacer("\n", " ", "\t", " ").Replace(fmt.Sprintf(format, args...))
	fmt.Fprintf(c.notes, "# problem\t%s\t%s\n", c.name, text)
}

func (c *chaosClient) pickLock() string { return c.locks[c.luck.Intn(len(c.locks))] }

func (c *chaosClient) rest() { time.Sleep(time.Duration(1+c.luck.Intn(restMillis)) * time.Millisecond) }

func (c *chaosClient) holdTime() time.Duration {
	switch kind := c.luck.Intn(100); {
	case kind < 75:
		return time.Duration(c.luck.Intn(8_000)) * time.Microsecond
	case kind < 99:
		return time.Duration(c.luck.Intn(250)) * time.Millisecond
	default:
		return time.Duration(c.luck.Intn(c.ttlSeconds*500)) * time.Millisecond
	}
}

// register is a connection to the resources that are written under the locks.
type register struct {
	connection net.Conn
	answers    *bufio.Reader
}

func dialRegisters(path string) (*register, error) {
	connection, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	return &register{connection, bufio.NewReader(connection)}, nil
}

// ask sends one request and returns the number of the answer; ok is false if the token was refused.
func (r *register) ask(request string) (number int64, ok bool, err error) {
	if _, err = io.WriteString(r.connection, request+"\n"); err != nil {
		return 0, false, err
	}
	line, err := r.answers.ReadString('\n')
	if err != nil {
		return 0, false, err
	}
	word, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
	if word == "refused" {
		return 0, false, nil
	}
	number, err = strconv.ParseInt(text, 10, 64)
	return number, err == nil, err
}

// work is what a holder does to the registers: it reads both, holds on, and writes both without looking at the lock again.
func (r *register) work(who, lock, token string, during func()) error {
	kinds := []string{"FENCED", "OPEN"}
	var bases [2]int64
	var oks [2]bool
	for i, kind := range kinds {
		var err error
		if bases[i], oks[i], err = r.ask("read\t" + kind + "\t" + lock + "\t" + token); err != nil {
			return err
		}
	}
	during()
	for i, kind := range kinds {
		if oks[i] {
			if _, _, err := r.ask(fmt.Sprintf("write\t%s\t%s\t%s\t%s\t%d", kind, lock, token, who, bases[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// chaosMutex uses Go's mutexes. Whenever it cannot know what became of its key it goes on with another session, as an
// unlock that was not answered could otherwise delete the key of a later lock.
func chaosMutex(args []string) error {
	c, err := newChaosClient(args)
	if err != nil {
		return err
	}
	registers, err := dialRegisters(c.registers)
	if err != nil {
		return err
	}
	var client *clientv3.Client
	var session *concurrency.Session
	leave := func() {
		if session != nil {
			session.Close()
			client.Close()
			session, client = nil, nil
		}
	}
	defer leave()
	for !c.ending.Load() {
		if session == nil {
			if client, err = dial(c.endpoints); err != nil {
				return err
			}
			if session, err = newSession(client, c.ttlSeconds); err != nil {
				client.Close()
				session = nil
				say("no session yet: %v", err)
				continue
			}
		}
		select {
		case <-session.Done():
			leave()
			continue
		default:
		}
		known, err := c.lockOnce(session, registers)
		if err != nil {
			return err
		}
		if !known {
			leave()
		}
		c.rest()
	}
	return nil
}

// lockOnce reports whether the fate of its key is known.
func (c *chaosClient) lockOnce(session *concurrency.Session, registers *register) (known bool, err error) {
	lock := c.pickLock()
	mutex := concurrency.NewMutex(session, c.namespace+lock)
	c.note("requested", lock, "")
	ctx, cancel := context.WithTimeout(session.Client().Ctx(), lockPatience)
	defer cancel()
	if err := mutex.Lock(ctx); err != nil {
		c.note("gave-up", lock, "")
		say("not locked: %v", err)
		return false, nil
	}
	token := fmt.Sprintf("0.%d.0", mutex.Header().Revision)
	c.note("granted", lock, "\ttoken="+token+"\tkey="+mutex.Key())
	err = registers.work(c.name, lock, token, func() {
		if c.luck.Intn(3) == 0 {
			c.add(session.Client(), mutex, lock, token)
		}
		select {
		case <-time.After(c.holdTime()):
		case <-session.Done():
			c.note("lost", lock, "\ttoken="+token)
		}
	})
	if err != nil {
		return false, err
	}
	c.note("released", lock, "\ttoken="+token)
	ctx, cancel = context.WithTimeout(session.Client().Ctx(), unlockPatience)
	defer cancel()
	if err := mutex.Unlock(ctx); err != nil {
		say("not unlocked: %v", err)
		return false, nil
	}
	return true, nil
}

// add puts an element into the guarded set, in a transaction that only the owner of the mutex can carry out.
func (c *chaosClient) add(client *clientv3.Client, mutex *concurrency.Mutex, lock, token string) {
	element := fmt.Sprintf("%sset/%s/%s-%d", c.namespace, lock, c.name, c.elements)
	c.elements++
	fmt.Fprintf(c.notes, "# adding\t%d\t%s\t%s\t%s\t%s\t%s\n", monotonicNanos(), c.name, lock, token, mutex.Key(), element)
	ctx, cancel := context.WithTimeout(client.Ctx(), commitPatience)
	defer cancel()
	answer, err := client.Txn(ctx).If(mutex.IsOwner()).Then(clientv3.OpPut(element, token)).Commit()
	switch {
	case err != nil:
		fmt.Fprintf(c.notes, "# added\t%s\tINDETERMINATE\t0\n", element)
	case answer.Succeeded:
		fmt.Fprintf(c.notes, "# added\t%s\tACKNOWLEDGED\t%d\n", element, answer.Header.Revision)
	default:
		fmt.Fprintf(c.notes, "# added\t%s\tREFUSED\t0\n", element)
	}
}

// chaosEtcdctl runs "etcdctl lock NAME COMMAND" again and again; the command is this program, as chaos-command.
func chaosEtcdctl(args []string) error {
	c, err := newChaosClient(args)
	if err != nil {
		return err
	}
	if len(args) < 9 {
		return errors.New("ETCDCTL is missing")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	notes, err := os.Open(args[6])
	if err != nil {
		return err
	}
	// A child is killed when the thread that started it ends.
	runtime.LockOSThread()
	for !c.ending.Load() {
		lock := c.pickLock()
		// The command notes its grant in the same file; whether it did is seen from its status.
		c.note("requested", lock, "")
		command := exec.Command(args[8], "--endpoints="+strings.Join(c.endpoints, ","),
			fmt.Sprintf("--command-timeout=%s", lockPatience), "lock", fmt.Sprintf("--ttl=%d", c.ttlSeconds),
			c.namespace+lock, self, "chaos-command", lock, c.name, args[6], c.registers, c.holdTime().String())
		command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		before, err := c.notes.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		output, err := command.CombinedOutput()
		if err != nil {
			say("etcdctl: %v: %s", err, output)
		}
		after, err := c.notes.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		noted := make([]byte, after-before)
		if _, err := notes.ReadAt(noted, before); err != nil {
			return err
		}
		c.noteEnd(lock, string(noted))
		c.rest()
	}
	return nil
}

// noteEnd adds what a command did not note: that it never ran, or that it was ended while it held the lock.
func (c *chaosClient) noteEnd(lock, noted string) {
	_, granted, wasGranted := strings.Cut(noted, "granted\t")
	if !wasGranted {
		c.note("gave-up", lock, "")
	} else if !strings.Contains(noted, "released\t") {
		_, fromToken, _ := strings.Cut(granted, "\ttoken=")
		token, _, _ := strings.Cut(fromToken, "\t")
		c.note("lost", lock, "\ttoken="+token)
	}
}

// chaosCommand is what etcdctl runs while it holds the lock.
func chaosCommand(args []string) error {
	if len(args) != 5 {
		return errors.New("chaos-command LOCK NAME NOTES REGISTERS HOLD")
	}
	// Its parent is etcdctl: what etcdctl guards must not outlive it.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if os.Getppid() == 1 {
		return errors.New("etcdctl is gone")
	}
	hold, err := time.ParseDuration(args[4])
	if err != nil {
		return err
	}
	notes, err := os.OpenFile(args[2], os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	lock, c := args[0], &chaosClient{name: args[1], notes: notes}
	token := "0." + os.Getenv("ETCD_LOCK_REV") + ".0"
	c.note("granted", lock, "\ttoken="+token+"\tkey="+os.Getenv("ETCD_LOCK_KEY"))
	registers, err := dialRegisters(args[3])
	if err != nil {
		return err
	}
	if err := registers.work(c.name, lock, token, func() { time.Sleep(hold) }); err != nil {
		return err
	}
	c.note("released", lock, "\ttoken="+token)
	return nil
}
