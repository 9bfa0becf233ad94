// SPDX-License-Identifier: MIT
// Threads, locks, and a heap that the collector must clean while they run.
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

public class Threads {
    static long counter;

    static synchronized void increment() {
        counter++;
    }

    static long collected() {
        long count = 0;
        for (var bean : java.lang.management.ManagementFactory.getGarbageCollectorMXBeans())
            count += bean.getCollectionCount();
        return count;
    }

    public static void main(String[] arguments) throws Exception {
        int threads = 8, rounds = 20000;
        AtomicLong atomic = new AtomicLong();
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread t = new Thread(() -> {
                for (int j = 0; j < rounds; j++) {
                    increment();
                    atomic.incrementAndGet();
                }
            });
            all.add(t);
            t.start();
        }
        for (Thread t : all)
            t.join();
        System.out.println("synchronized " + counter + ", atomic " + atomic);

        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Integer>> results = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            int n = i;
            results.add(pool.submit(() -> n * n));
        }
        long sum = 0;
        for (Future<Integer> f : results)
            sum += f.get();
        pool.shutdown();
        System.out.println("pool " + sum + " " + pool.awaitTermination(20, TimeUnit.SECONDS));

        Object lock = new Object();
        int[] turn = {0};
        Thread ping = new Thread(() -> {
            for (int i = 0; i < 500; i++)
                synchronized (lock) {
                    while (turn[0] != 0)
                        try {
                            lock.wait();
                        } catch (InterruptedException e) {
                            return;
                        }
                    turn[0] = 1;
                    lock.notifyAll();
                }
        });
        ping.start();
        for (int i = 0; i < 500; i++)
            synchronized (lock) {
                while (turn[0] != 1)
                    lock.wait();
                turn[0] = 0;
                lock.notifyAll();
            }
        ping.join();
        System.out.println("wait and notify, turn " + turn[0]);

        Thread sleeper = new Thread(() -> {
            try {
                Thread.sleep(100000);
                System.out.println("slept");
            } catch (InterruptedException e) {
                System.out.println("interrupted");
            }
        });
        sleeper.start();
        Thread.sleep(50);
        sleeper.interrupt();
        sleeper.join();

        CountDownLatch latch = new CountDownLatch(4);
        AtomicLong kept = new AtomicLong();
        for (int i = 0; i < 4; i++)
            new Thread(() -> {
                List<byte[]> few = new ArrayList<>();
                for (int j = 0; j < 600; j++) {
                    few.add(new byte[50000]);
                    if (few.size() > 20)
                        few.remove(0);
                }
                kept.addAndGet(few.size());
                latch.countDown();
            }).start();
        latch.await();
        System.gc();
        System.out.println("garbage of 120 MB in 4 threads, kept " + kept + ", collected " + (collected() > 0));

        try {
            System.out.println(new int[0][arguments.length].length + " " + deep(0));
        } catch (StackOverflowError e) {
            System.out.println("stack overflow caught");
        }
        try {
            Object nothing = arguments.length > 99 ? "" : null;
            System.out.println(nothing.hashCode());
        } catch (NullPointerException e) {
            System.out.println("null pointer caught");
        }
        Process child = new ProcessBuilder("/bin/busybox", "echo", "from a child").redirectErrorStream(true).start();
        System.out.print(new String(child.getInputStream().readAllBytes()));
        System.out.println("child ended with " + child.waitFor());
        LockSupport.parkNanos(1000000);
    }

    static int deep(int n) {
        return n < 0 ? 0 : deep(n + 1) + 1;
    }
}
