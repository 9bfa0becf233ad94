// SPDX-License-Identifier: MIT
// Sleeps until a signal ends it; its hook then says so.
public class Sleeper {
    public static void main(String[] arguments) throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        new java.io.File("/tmp/ready").createNewFile();
        Thread.sleep(100000);
    }
}
