package main

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

func mutex(endpoints []string, name string, ttlSeconds int) error {
	return hold(endpoints, ttlSeconds, func(session *concurrency.Session) (map[string]verb, error) {
		lock := concurrency.NewMutex(session, name)
		locked := func() string { return fmt.Sprintf("locked %s %d", lock.Key(), lock.Header().Revision) }
		return map[string]verb{
			"lock": func(ctx context.Context, _ string) (string, error) {
				if err := lock.Lock(ctx); err != nil {
					return "", err
				}
				return locked(), nil
			},
			"trylock": func(ctx context.Context, _ string) (string, error) {
				err := lock.TryLock(ctx)
				if errors.Is(err, concurrency.ErrLocked) {
					return "busy", nil
				} else if err != nil {
					return "", err
				}
				return locked(), nil
			},
			"unlock": func(ctx context.Context, _ string) (string, error) {
				return "unlocked", lock.Unlock(ctx)
			},
		}, nil
	})
}

func election(endpoints []string, name, value string, ttlSeconds int) error {
	return hold(endpoints, ttlSeconds, func(session *concurrency.Session) (map[string]verb, error) {
		candidate := concurrency.NewElection(session, name)
		return map[string]verb{
			"campaign": func(ctx context.Context, _ string) (string, error) {
				if err := candidate.Campaign(ctx, value); err != nil {
					return "", err
				}
				return fmt.Sprintf("leader %s %d", candidate.Key(), candidate.Rev()), nil
			},
			"proclaim": func(ctx context.Context, newValue string) (string, error) {
				return "proclaimed", candidate.Proclaim(ctx, newValue)
			},
			"resign": func(ctx context.Context, _ string) (string, error) {
				return "resigned", candidate.Resign(ctx)
			},
		}, nil
	})
}

// fifo stands in the queue of a mutex from its first moment and tells when it got its place and when its turn came.
// The test that starts several of these learns the order of arrival from the server, not from its own clock.
func fifo(endpoints []string, name, id string, ttlSeconds int) error {
	return hold(endpoints, ttlSeconds, func(session *concurrency.Session) (map[string]verb, error) {
		lock := concurrency.NewMutex(session, name)
		client := session.Client()
		place := make(chan int64, 1)
		// The key a Mutex writes: its name, a slash, the lease in hexadecimal.
		arrivals := client.Watch(client.Ctx(), fmt.Sprintf("%s/%x", name, session.Lease()), clientv3.WithCreatedNotify())
		if created, open := <-arrivals; !open || !created.Created {
			return nil, fmt.Errorf("%s: the watch on its own key did not start: %v", id, created.Err())
		}
		go func() {
			for arrival := range arrivals {
				for _, event := range arrival.Events {
					if event.IsCreate() {
						place <- event.Kv.CreateRevision
						return
					}
				}
			}
		}()

		ctx, stop := context.WithCancel(client.Ctx())
		granted := make(chan error, 1)
		go func() { granted <- lock.Lock(ctx) }()
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			select {
			case revision := <-place:
				say("waiting %d", revision)
			case <-ctx.Done():
			}
			if err := <-granted; errors.Is(err, context.Canceled) {
				say("cancelled")
			} else if err != nil {
				say("error: %s: %v", id, err)
			} else {
				say("locked")
			}
		}()
		return map[string]verb{
			"unlock": func(ctx context.Context, _ string) (string, error) {
				stop() // a wait that is still going on ends here, and takes its key away
				<-gone
				return "unlocked", lock.Unlock(ctx)
			},
		}, nil
	})
}
