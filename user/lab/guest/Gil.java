// SPDX-License-Identifier: MIT
// What lab gil asks of the real JVM: two jobs one after the other, and in two threads.
// Prints "WAY wall_ms cpu_ms" for each way and round, and before that a line "version TEXT".
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

public class Gil {
    static final ThreadMXBean beans = ManagementFactory.getThreadMXBean();
    static volatile long result;
    static long used; // CPU time of the workers that have ended

    static long job(long limit) {
        long total = 0;
        for (long i = 0; i < limit; i++)
            total = (total * 31 + i) % 1000003;
        return total;
    }

    static synchronized void add(long ns) {
        used += ns;
    }

    static void work(long limit, int jobs) {
        long start = beans.getCurrentThreadCpuTime();
        for (int i = 0; i < jobs; i++)
            result = job(limit);
        add(beans.getCurrentThreadCpuTime() - start);
    }

    static void measure(String name, long limit, int threads, int jobs) throws InterruptedException {
        Thread[] all = new Thread[threads];
        used = 0;
        long start = System.nanoTime();
        for (int i = 0; i < threads; i++)
            (all[i] = new Thread(() -> work(limit, jobs))).start();
        for (Thread t : all)
            t.join();
        System.out.println(name + " " + (System.nanoTime() - start) / 1e6 + " " + used / 1e6);
    }

    public static void main(String[] arguments) throws InterruptedException {
        double goal = Double.parseDouble(arguments[0]) * 1e6;
        int rounds = Integer.parseInt(arguments[1]);
        System.out.println("version " + System.getProperty("java.vm.name") + " " +
            System.getProperty("java.version"));
        long limit = 1000, ns = 0;
        for (int i = 0; i < 200; i++) // until the compiler has seen it
            result = job(limit);
        while (ns < goal / 4) {
            limit *= 2;
            long start = beans.getCurrentThreadCpuTime();
            result = job(limit);
            ns = beans.getCurrentThreadCpuTime() - start;
        }
        limit = (long)(limit * goal / ns);
        long end = System.nanoTime() + 5_000_000_000L; // later no further round begins
        for (int i = 0; i < rounds && (i == 0 || System.nanoTime() < end); i++) {
            measure("one", limit, 1, 2);
            measure("threads", limit, 2, 1);
        }
    }
}
