// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.redis;

import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.e2e.cluster.Node;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.regex.Pattern;

/** Where the old and the new code of the function that all busy threads run lie in a process. */
public final class CodeAddresses {
    private static final int JUMP_LENGTH = 5;
    private static final Pattern INSTRUCTION = Pattern.compile("^\\s*([0-9a-f]+):\\t.*");

    private CodeAddresses() {}

    /** An instruction of the old code that a patched entry never reaches: the first behind the jump. */
    public static long old(Node node, RedisPod redis, RedisBuild build, RedisFix fix) throws IOException {
        OldBody body = Objects.requireNonNull(fix.sharedFunction().oldBody());
        long behindJump = body.address() + body.jumpOffset() + JUMP_LENGTH;
        return firstMapping(node, redis, "/usr/bin/redis-server") + instructionFrom(behindJump, build);
    }

    /** The first instruction of the new code, in a process that has had the patch. */
    public static long fresh(Node node, RedisPod redis, RedisFix fix) throws IOException {
        NewBody body = Objects.requireNonNull(fix.sharedFunction().newBody());
        return firstMapping(node, redis, "/atlas:text:" + fix.patch().digest().substring(0, 16)) + body.offset();
    }

    private static long instructionFrom(long address, RedisBuild build) throws IOException {
        var process = new ProcessBuilder(
                        "objdump",
                        "--disassemble=" + RedisFix.SHARED_FUNCTION,
                        "--no-show-raw-insn",
                        build.server().toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        var listing = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return listing.lines()
                .map(INSTRUCTION::matcher)
                .filter(matcher -> matcher.matches())
                .mapToLong(matcher -> Long.parseLong(matcher.group(1), 16))
                .filter(found -> found >= address)
                .findFirst()
                .orElseThrow(() -> new IOException("objdump shows no instruction from 0x" + Long.toHexString(address)));
    }

    private static long firstMapping(Node node, RedisPod redis, String name) throws IOException {
        return node.exec("cat", "/proc/%d/maps".formatted(redis.pid()))
                .requireSuccess()
                .lines()
                .flatMap(line -> Mapping.parse(line).stream())
                .filter(mapping -> mapping.offset() == 0 && mapping.name().startsWith(name))
                .mapToLong(Mapping::start)
                .findFirst()
                .orElseThrow(() -> new IOException("process %d maps no %s".formatted(redis.pid(), name)));
    }
}
