// SPDX-License-Identifier: MIT
// What lab gil asks of the real JVM: two jobs one after the other, and in two threads.
// Prints "WAY wall_ms cpu_ms saw" for each way and round, and before that a line "version TEXT". `saw`
// counts how often a worker looked and saw that the other one had made progress.
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLongArray;

public class Gil {
    static final ThreadMXBean beans = ManagementFactory.getThreadMXBean();
    static final AtomicLongArray progress = new AtomicLongArray(64); // elements 0 and 32
    static CountDownLatch there;
    static volatile long result;
    static long used, saw; // CPU time and looks of the workers that have ended

    static long job(long limit, int me) {
        long total = 0, looks = 0, seen = progress.get(32 - me);
        for (long i = 0; i < limit; i++) {
            total = (total * 31 + i) % 1000003;
            if (i % 64 == 0) {
                progress.set(me, i);
                long now = progress.get(32 - me);
                if (now != seen) {
                    looks++;
                    seen = now;
                }
            }
        }
        result = total;
        return looks;
    }

    static synchronized void add(long ns, long looks) {
        used += ns;
        saw += looks;
    }

    static void work(long limit, int jobs, int me) {
        there.countDown();
        try {
            there.await(); // so that the second is not still being made while the first works
        } catch (InterruptedException e) {
            return;
        }
        long start = beans.getCurrentThreadCpuTime(), looks = 0;
        for (int i = 0; i < jobs; i++)
            looks += job(limit, me);
        add(beans.getCurrentThreadCpuTime() - start, looks);
    }

    static void measure(String name, long limit, int threads, int jobs) throws InterruptedException {
        Thread[] all = new Thread[threads];
        used = saw = 0;
        there = new CountDownLatch(threads);
        long start = System.nanoTime();
        for (int i = 0; i < threads; i++) {
            int me = 32 * i;
            (all[i] = new Thread(() -> work(limit, jobs, me))).start();
        }
        for (Thread t : all)
            t.join();
        System.out.println(name + " " + (System.nanoTime() - start) / 1e6 + " " + used / 1e6 + " " +
            saw);
    }

    public static void main(String[] arguments) throws InterruptedException {
        double goal = Double.parseDouble(arguments[0]) * 1e6;
        int rounds = Integer.parseInt(arguments[1]);
        System.out.println("version " + System.getProperty("java.vm.name") + " " +
            System.getProperty("java.version"));
        long limit = 1000, ns = 0;
        for (int i = 0; i < 200; i++) // until the compiler has seen it
            job(limit, 0);
        while (ns < goal / 4) {
            limit *= 2;
            ns = Long.MAX_VALUE;
            for (int i = 0; i < 3; i++) { // a disturbance only adds time
                long start = beans.getCurrentThreadCpuTime();
                job(limit, 0);
                ns = Math.min(ns, beans.getCurrentThreadCpuTime() - start);
            }
        }
        limit = (long)(limit * goal / ns);
        long end = System.nanoTime() + 5_000_000_000L; // later no further round begins
        for (int i = 0; i < rounds && (i == 0 || System.nanoTime() < end); i++) {
            measure("one", limit, 1, 2);
            measure("threads", limit, 2, 1);
        }
    }
}
