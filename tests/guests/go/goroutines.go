// SPDX-License-Identifier: MIT
// Goroutines beside threads: channels, locks, timers, the collector, a child, signals.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	numbers, squares := make(chan int), make(chan int)
	var workers sync.WaitGroup
	for i := 0; i < 1000; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for n := range numbers {
				squares <- n * n
			}
		}()
	}
	go func() {
		for i := 1; i <= 10000; i++ {
			numbers <- i
		}
		close(numbers)
		workers.Wait()
		close(squares)
	}()
	sum := 0
	for s := range squares {
		sum += s
	}
	fmt.Println("1000 goroutines, sum of squares", sum)

	var mutex sync.Mutex
	var plain int
	var counter int64
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func() {
			runtime.LockOSThread()
			defer all.Done()
			for j := 0; j < 20000; j++ {
				mutex.Lock()
				plain++
				mutex.Unlock()
				atomic.AddInt64(&counter, 1)
			}
		}()
	}
	all.Wait()
	fmt.Println("8 threads:", plain, counter)

	// A loop without calls must not keep the others from running.
	stop := int32(0)
	go func() {
		for atomic.LoadInt32(&stop) == 0 {
		}
	}()
	time.Sleep(20 * time.Millisecond)
	runtime.GC()
	atomic.StoreInt32(&stop, 1)
	fmt.Println("the collector stopped a busy loop")

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	select {
	case <-ctx.Done():
		fmt.Println("timer:", ctx.Err())
	case <-time.After(20 * time.Second):
		fmt.Println("the timer never came")
	}

	kept := make([][]byte, 20)
	for i := 0; i < 2000; i++ {
		kept[i%20] = make([]byte, 50000)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println("collected:", m.NumGC > 0, len(kept))

	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal:", <-caught)

	r, w, _ := os.Pipe()
	go func() {
		time.Sleep(10 * time.Millisecond)
		w.Write([]byte("through a pipe"))
		w.Close()
	}()
	buffer := make([]byte, 100)
	n, _ := r.Read(buffer)
	fmt.Println(string(buffer[:n]))

	out, err := exec.Command("/bin/busybox", "echo", "from a child").CombinedOutput()
	fmt.Print(string(out))
	fmt.Println("child:", err)
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		var nothing *int
		fmt.Println(*nothing)
	}()
}
