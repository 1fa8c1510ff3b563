package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// verb carries out one command and returns the line to answer with.
type verb func(ctx context.Context, argument string) (string, error)

const (
	// How many commands may be written ahead of their answers.
	maxQueuedCommands = 1024
	// How long a command that was told to stop may take to clean up after itself.
	goodbye = 5 * time.Second
)

// hold opens a session on the endpoints, lets prepare make its verbs, and carries out the commands read from standard
// input until "quit" or its end. Commands run one after the other; "cancel" and "quit" reach the one that is running.
func hold(endpoints []string, ttlSeconds int, prepare func(*concurrency.Session) (map[string]verb, error)) error {
	client, err := dial(endpoints)
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := newSession(client, ttlSeconds)
	if err != nil {
		return err
	}
	say("session %x", session.Lease())
	verbs, err := prepare(session)
	if err != nil {
		return err
	}

	quitting := make(chan struct{})
	go func() {
		<-session.Done()
		select {
		case <-quitting:
		default:
			say("lost")
		}
	}()

	work := &worker{verbs: verbs, queue: make(chan string, maxQueuedCommands), cancels: make(chan context.CancelFunc, 1)}
	done := make(chan struct{})
	go func() { work.run(); close(done) }()

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "quit" {
			break
		} else if line == "cancel" {
			if !work.cancel() {
				say("error: nothing to cancel")
			}
		} else if line != "" {
			work.queue <- line
		}
	}
	close(quitting)
	close(work.queue)
	for stopped, deadline := false, time.After(goodbye); !stopped; {
		work.cancel()
		select {
		case <-done:
			stopped = true
		case <-deadline:
			stopped = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := session.Close(); err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return err
	}
	return nil
}

// worker runs queued commands one at a time.
type worker struct {
	verbs   map[string]verb
	queue   chan string
	cancels chan context.CancelFunc // holds the way to cancel the running command, while one runs
}

func (w *worker) run() {
	for line := range w.queue {
		name, argument, _ := strings.Cut(line, " ")
		do, known := w.verbs[name]
		if !known {
			say("error: no such command: %s", name)
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		w.cancels <- cancel
		answer, err := do(ctx, argument)
		select {
		case <-w.cancels:
		default: // taken by cancel()
		}
		if err != nil && errors.Is(err, context.Canceled) && ctx.Err() != nil {
			say("cancelled")
		} else if err != nil {
			say("error: %v", err)
		} else {
			say("%s", answer)
		}
		cancel()
	}
}

// cancel ends the running command early and reports whether one was running.
func (w *worker) cancel() bool {
	select {
	case cancel := <-w.cancels:
		cancel()
		return true
	default:
		return false
	}
}
