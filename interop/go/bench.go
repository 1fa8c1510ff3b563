package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const benchTTLSeconds = 30

// benchMutex lets the contenders lock and unlock one mutex as fast as they can and counts how often it was granted.
// Each contender has its own connection and its own lease, as if it were a process. Two of them inside at once, or a
// session lost on the way, is an error: the number would mean nothing.
func benchMutex(endpoints []string, name string, contenders int, length time.Duration) error {
	sessions := make([]*concurrency.Session, contenders)
	for i := range sessions {
		client, err := dial(endpoints)
		if err != nil {
			return err
		}
		defer client.Close()
		if sessions[i], err = newSession(client, benchTTLSeconds); err != nil {
			return err
		}
		defer sessions[i].Close()
	}

	var inside, grants atomic.Int64
	failed := make(chan error, contenders)
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	var all sync.WaitGroup
	started := time.Now()
	for _, session := range sessions {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := contend(ctx, concurrency.NewMutex(session, name), session, &inside, &grants); err != nil {
				failed <- err
				cancel()
			}
		}()
	}
	<-ctx.Done()
	counted, elapsed := grants.Load(), time.Since(started)
	all.Wait()

	select {
	case err := <-failed:
		return err
	default:
		say("handovers %d seconds %.3f", counted, elapsed.Seconds())
		return nil
	}
}

func contend(ctx context.Context, lock *concurrency.Mutex, session *concurrency.Session, inside, grants *atomic.Int64) error {
	client := session.Client()
	for ctx.Err() == nil {
		if err := lock.Lock(ctx); ctx.Err() != nil {
			if err == nil {
				return unlock(client, lock)
			}
			return nil
		} else if err != nil {
			return err
		}
		if others := inside.Add(1) - 1; others != 0 {
			return fmt.Errorf("%d others inside the mutex", others)
		}
		grants.Add(1)
		inside.Add(-1)
		if err := unlock(client, lock); err != nil {
			return err
		}
		select {
		case <-session.Done():
			return errors.New("a session was lost")
		default:
		}
	}
	return nil
}

// unlock does not stop at the end of the measurement: the key must be gone before the process is.
func unlock(client *clientv3.Client, lock *concurrency.Mutex) error {
	ctx, cancel := context.WithTimeout(client.Ctx(), requestTimeout)
	defer cancel()
	return lock.Unlock(ctx)
}
