// SPDX-License-Identifier: MIT
// Lab threading: three threads; the first sleeps while it holds a lock. The lab traces what happens
// between the two words.
public class Workers {
    static int total;

    static synchronized void work(int i) throws InterruptedException {
        total += i + 1;
        if (i == 0)
            Thread.sleep(60);
    }

    public static void main(String[] arguments) throws InterruptedException {
        Thread[] threads = new Thread[3];
        System.out.print("begin");
        System.out.flush();
        for (int i = 0; i < 3; i++) {
            int n = i;
            threads[i] = new Thread(() -> {
                try {
                    work(n);
                } catch (InterruptedException e) {
                    System.exit(1);
                }
            });
        }
        for (Thread t : threads)
            t.start();
        for (Thread t : threads)
            t.join();
        System.out.print("end");
        System.out.flush();
        System.exit(total == 6 ? 0 : 1);
    }
}
