package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// The bench-... subcommands are workers of the comparison in holdfast-benchmarks, where their talk and the form of the
// records are described (Worker, Assignment, Pair). Their arguments are
//
//	ENDPOINTS PREFIX THREADS NAMES ONE|OWN|ZIPF PROCESS TTL_SECONDS RECORDS

type benchWorker struct {
	client     *clientv3.Client
	prefix     string
	threads    int
	names      int
	choice     string
	process    int
	ttlSeconds int
	records    string
	orders     chan string
}

// benchSeat is a goroutine's own session: those who share one do not exclude each other.
type benchSeat struct {
	session *concurrency.Session
	mutexes []*concurrency.Mutex
	records []byte
}

func newBenchWorker(args []string) (*benchWorker, error) {
	if len(args) != 8 {
		return nil, errors.New("a worker has 8 arguments")
	}
	w := &benchWorker{prefix: args[1], choice: args[4], records: args[7], orders: make(chan string, 8)}
	for index, number := range map[int]*int{2: &w.threads, 3: &w.names, 5: &w.process, 6: &w.ttlSeconds} {
		value, err := strconv.Atoi(args[index])
		if err != nil {
			return nil, err
		}
		*number = value
	}
	var endpoints []string
	for _, endpoint := range strings.Split(args[0], ",") {
		endpoints = append(endpoints, strings.TrimPrefix(endpoint, "http://"))
	}
	client, err := dial(endpoints)
	if err != nil {
		return nil, err
	}
	w.client = client
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			w.orders <- lines.Text()
		}
		os.Exit(3) // the run is gone
	}()
	return w, nil
}

func (w *benchWorker) seat() (*benchSeat, error) {
	session, err := newSession(w.client, w.ttlSeconds)
	if err != nil {
		return nil, err
	}
	seat := &benchSeat{session: session, records: make([]byte, 0, 1<<18)}
	for i := 0; i < w.names; i++ {
		seat.mutexes = append(seat.mutexes, concurrency.NewMutex(session, fmt.Sprintf("%s-%d", w.prefix, i)))
	}
	for i := 0; i < (w.process+1)*w.threads; i++ {
		seat.mutexes = append(seat.mutexes, concurrency.NewMutex(session, fmt.Sprintf("%s-own-%d", w.prefix, i)))
	}
	return seat, nil
}

// benchHold locks and keeps it.
func benchHold(args []string) error {
	w, err := newBenchWorker(args)
	if err != nil {
		return err
	}
	seat, err := w.seat()
	if err != nil {
		return err
	}
	say("ready")
	<-w.orders
	if err := seat.mutexes[0].Lock(w.client.Ctx()); err != nil {
		return err
	}
	say("held %d", monotonicNanos())
	<-w.orders
	return nil
}

// benchPairs locks and unlocks for as long as it is told.
func benchPairs(args []string) error {
	w, err := newBenchWorker(args)
	if err != nil {
		return err
	}
	seats := make([]*benchSeat, w.threads)
	for i := range seats {
		if seats[i], err = w.seat(); err != nil {
			return err
		}
	}
	say("ready")
	var begin, contend, from, until int64
	if _, err := fmt.Sscanf(<-w.orders, "go %d %d %d %d", &begin, &contend, &from, &until); err != nil {
		return err
	}

	failed := make(chan error, len(seats))
	var all sync.WaitGroup
	for i, seat := range seats {
		all.Add(1)
		go func() {
			defer all.Done()
			sleepUntil(begin)
			if err := w.contend(seat, i, contend, until); err != nil {
				failed <- err
			}
		}()
	}
	sleepUntil(from)
	cpuBefore, allocatedBefore := cpuNanos(), allocatedBytes()
	sleepUntil(until)
	cpu, allocated := cpuNanos()-cpuBefore, allocatedBytes()-allocatedBefore
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	if err := w.write(seats); err != nil {
		return err
	}
	say("done %d %d", cpu, allocated)
	for _, seat := range seats {
		seat.session.Close()
	}
	return nil
}

func (w *benchWorker) contend(seat *benchSeat, index int, contend, until int64) error {
	luck := rand.New(rand.NewSource(int64(w.process*w.threads + index)))
	upTo := zipf(w.names)
	ctx := context.Background()
	for {
		name := 0
		switch w.choice {
		case "OWN":
			name = index
		case "ZIPF":
			name = sort.SearchFloat64s(upTo, luck.Float64()*upTo[len(upTo)-1])
		}
		request := monotonicNanos()
		if request < contend {
			name = w.names + w.process*w.threads + index
		}
		mutex := seat.mutexes[name]
		if err := mutex.Lock(ctx); err != nil {
			return err
		}
		acquired := monotonicNanos()
		release := monotonicNanos()
		if err := mutex.Unlock(ctx); err != nil {
			return err
		}
		seat.add(request, acquired, release, monotonicNanos(), name, index)
		if monotonicNanos() >= until {
			return nil
		}
	}
}

func (s *benchSeat) add(request, acquired, release, returned int64, name, thread int) {
	for _, nanos := range []int64{request, acquired, release, returned} {
		s.records = binary.BigEndian.AppendUint64(s.records, uint64(nanos))
	}
	s.records = binary.BigEndian.AppendUint32(s.records, uint32(name))
	s.records = binary.BigEndian.AppendUint32(s.records, uint32(thread))
}

func (w *benchWorker) write(seats []*benchSeat) error {
	file, err := os.OpenFile(w.records, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, seat := range seats {
		if _, err := file.Write(seat.records); err != nil {
			return err
		}
	}
	return nil
}

// zipf is the sum of 1/k up to each k.
func zipf(n int) []float64 {
	upTo := make([]float64, n)
	sum := 0.0
	for i := range upTo {
		sum += 1 / float64(i+1)
		upTo[i] = sum
	}
	return upTo
}

func sleepUntil(nanos int64) { time.Sleep(time.Duration(nanos - monotonicNanos())) }

func cpuNanos() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func allocatedBytes() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}
