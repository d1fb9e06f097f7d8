// SPDX-License-Identifier: GPL-2.0-only
import java.lang.ref.SoftReference;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.zip.CRC32;

/**
 * Work for a virtual machine with garbage collection and compiled code: threads build, change and drop
 * structures of objects and check what they hold. {@code Churn ROUNDS}: exits with 0 only if all was right.
 */
public final class Churn {
    private static final int THREADS = 4;
    private static final int KEPT = 200;

    private record Node(Node next, byte[] data, long sum) {
        static Node of(Node next, Random random) {
            var data = new byte[random.nextInt(2000)];
            random.nextBytes(data);
            return new Node(next, data, sum(data));
        }

        boolean intact() {
            return sum(data) == sum;
        }

        private static long sum(byte[] data) {
            var crc = new CRC32();
            crc.update(data);
            return crc.getValue();
        }
    }

    private static final ConcurrentHashMap<Integer, Node> shared = new ConcurrentHashMap<>();

    private static long work(int seed, int rounds) {
        var random = new Random(seed);
        var chains = new ArrayDeque<Node>();
        var soft = new ArrayList<SoftReference<int[]>>();
        var checked = 0L;
        for (var round = 0; round < rounds; round++) {
            Node chain = null;
            for (var length = random.nextInt(20); length >= 0; length--) {
                chain = Node.of(chain, random);
            }
            chains.addLast(chain);
            shared.put(random.nextInt(1000), chain);
            soft.add(new SoftReference<>(new int[random.nextInt(500)]));
            if (chains.size() > KEPT) {
                checked += check(chains.removeFirst());
            }
            var other = shared.get(random.nextInt(1000));
            if (other != null) {
                checked += check(other);
            }
            if (round % 1000 == 0) {
                soft.clear();
                deep(200 + random.nextInt(200));
            }
        }
        return checked;
    }

    private static long check(Node chain) {
        var nodes = 0L;
        for (var node = chain; node != null; node = node.next()) {
            if (!node.intact()) {
                throw new AssertionError("an object has changed");
            }
            nodes++;
        }
        return nodes;
    }

    /** Stack overflows, exceptions and implicit null checks are signals in compiled code. */
    private static int deep(int depth) {
        if (depth > 0) {
            return deep(depth - 1) + 1;
        }
        try {
            return ((Node) shared.get(-1)).data().length;
        } catch (NullPointerException expected) {
            return 0;
        }
    }

    public static void main(String... arguments) throws Exception {
        var rounds = Integer.parseInt(arguments[0]);
        var checked = 0L;
        try (var threads = Executors.newFixedThreadPool(THREADS)) {
            var works = new ArrayList<Callable<Long>>();
            for (var seed = 0; seed < THREADS; seed++) {
                var own = seed;
                works.add(() -> work(own, rounds));
            }
            for (var result : threads.invokeAll(works)) {
                checked += result.get();
            }
        }
        System.out.println("# " + checked + " objects were as they had been made");
        if (checked < rounds) {
            throw new AssertionError("too little was checked: " + checked);
        }
    }
}
