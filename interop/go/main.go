// Interop is a client of the etcd locks and elections as etcd's own Go library makes them. Tests written in another
// language start it, write one command per line to its standard input and read one answer per line from its standard
// output. Closing its standard input ends it, so that no process outlives the test that started it.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
)

const usage = `usage:
  interop mutex ENDPOINTS NAME TTL_SECONDS
      lock       locked KEY HEADER_REVISION
      trylock    locked KEY HEADER_REVISION | busy
      unlock     unlocked
  interop election ENDPOINTS NAME VALUE [TTL_SECONDS]
      campaign   leader KEY CREATE_REVISION
      proclaim X proclaimed
      resign     resigned
  interop fifo ENDPOINTS NAME ID [TTL_SECONDS]
      (at once)  waiting CREATE_REVISION, then: locked
      unlock     unlocked
  interop bench-mutex ENDPOINTS NAME CONTENDERS SECONDS
      (at end)   handovers N seconds S
  interop bench-pairs | bench-hold ENDPOINTS PREFIX THREADS NAMES ONE|OWN|ZIPF PROCESS TTL_SECONDS RECORDS
      (see worker.go)
  interop chaos-mutex | chaos-etcdctl ENDPOINTS NAMESPACE LOCKS NAME TTL_SECONDS SEED NOTES REGISTERS [ETCDCTL]
      (see chaos.go)

ENDPOINTS is one host:port or several with commas between them. The first three print "session LEASE_HEX" first, "lost"
when the lease of the session ends by itself, "cancelled" when "cancel" ended the command that was waiting, and
"error: ..." when a command failed. "quit" revokes the lease and ends.`

const (
	defaultTTLSeconds = 10
	requestTimeout    = 10 * time.Second
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		say("error: %v", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 4 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	switch args[0] {
	case "bench-pairs":
		return benchPairs(args[1:])
	case "bench-hold":
		return benchHold(args[1:])
	case "chaos-mutex":
		return chaosMutex(args[1:])
	case "chaos-etcdctl":
		return chaosEtcdctl(args[1:])
	case "chaos-command":
		return chaosCommand(args[1:])
	}
	endpoints, name, rest := strings.Split(args[1], ","), args[2], args[3:]
	switch args[0] {
	case "mutex":
		ttlSeconds, err := positive("TTL_SECONDS", rest, 0, 0)
		if err != nil {
			return err
		}
		return mutex(endpoints, name, ttlSeconds)
	case "election":
		ttlSeconds, err := positive("TTL_SECONDS", rest, 1, defaultTTLSeconds)
		if err != nil {
			return err
		}
		return election(endpoints, name, rest[0], ttlSeconds)
	case "fifo":
		ttlSeconds, err := positive("TTL_SECONDS", rest, 1, defaultTTLSeconds)
		if err != nil {
			return err
		}
		return fifo(endpoints, name, rest[0], ttlSeconds)
	case "bench-mutex":
		contenders, err := positive("CONTENDERS", rest, 0, 0)
		if err != nil {
			return err
		}
		seconds, err := positive("SECONDS", rest, 1, 0)
		if err != nil {
			return err
		}
		return benchMutex(endpoints, name, contenders, time.Duration(seconds)*time.Second)
	}
	return fmt.Errorf("no such subcommand: %s", args[0])
}

// positive reads args[index] as a whole number above zero; fallback stands for an absent one unless it is 0.
func positive(what string, args []string, index, fallback int) (int, error) {
	if index >= len(args) {
		if fallback > 0 {
			return fallback, nil
		}
		return 0, fmt.Errorf("%s is missing", what)
	}
	value, err := strconv.Atoi(args[index])
	if err != nil || value <= 0 {
		return 0, fmt.Errorf("%s is not a whole number above zero: %q", what, args[index])
	}
	return value, nil
}

// say writes one line in one write: lines of several goroutines do not mix.
func say(format string, args ...any) {
	os.Stdout.WriteString(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ") + "\n")
}

func dial(endpoints []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints:   endpoints,
		DialTimeout: requestTimeout,
		Logger:      zap.NewNop(),
	})
}

// newSession grants the lease itself, because NewSession would wait without limit for a server that is not there.
func newSession(client *clientv3.Client, ttlSeconds int) (*concurrency.Session, error) {
	ctx, cancel := context.WithTimeout(client.Ctx(), requestTimeout)
	defer cancel()
	lease, err := client.Grant(ctx, int64(ttlSeconds))
	if err != nil {
		return nil, fmt.Errorf("no lease from %v: %w", client.Endpoints(), err)
	}
	return concurrency.NewSession(client, concurrency.WithLease(lease.ID), concurrency.WithTTL(ttlSeconds))
}
