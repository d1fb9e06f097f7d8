// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.files.BoundedDirectory;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ProcessStatus;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the last pass said of each process, of which deadlines are counted on: the status in the cluster lists a bounded
 * number of processes, and is not written at every pass. Those that it does not list are kept in a file, so that an agent
 * that starts anew knows them too.
 */
final class ProcessMemory {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessMemory.class);

    /** Many times what all pods of a node leave. */
    private static final long LIMIT = 64L << 20;

    /** Of one pod, in the file; each with up to some kilobytes of what was said of it. */
    private static final int MOST_LAYERS = 4096;

    /** A PodView that goes while no agent runs leaves its file behind. */
    private final BoundedDirectory files;

    private final KubernetesSerialization serialization;
    private final String bootId;
    private final Map<String, Said> remembered = new ConcurrentHashMap<>();

    /** What a pass said of all processes, of which the status lists the first. */
    private record Said(List<ProcessStatus> all, int listed) {
        Said {
            all = List.copyOf(all);
        }

        /** Not more than there is room for: the deadlines of others begin anew when an agent does. */
        List<ProcessStatus> unlisted() {
            int layers = 0;
            int end = listed;
            while (end < all.size() && layers + all.get(end).layers().size() <= MOST_LAYERS) {
                layers += all.get(end++).layers().size();
            }
            return all.subList(listed, end);
        }
    }

    ProcessMemory(final Path directory, final KubernetesSerialization serialization, final String bootId) {
        this.files = new BoundedDirectory(directory, LIMIT);
        this.serialization = serialization;
        this.bootId = bootId;
    }

    /** What the last pass said of this very process: the same boot, id and start time. */
    Optional<ProcessStatus> last(final PodView view, final TargetProcess process) {
        return remembered.computeIfAbsent(name(view), any -> stored(view)).all().stream()
                .filter(status -> status.bootId().equals(bootId)
                        && status.pid() == process.pid()
                        && status.startTime() == process.startTime())
                .findFirst();
    }

    /** Keeps what a pass says of all processes, those that the status lists first. */
    void keep(final PodView view, final PodViewStatus status, final List<ProcessStatus> all) throws IOException {
        final Said said = new Said(all, status.processes().size());
        final Said before = remembered.put(name(view), said);
        final List<ProcessStatus> unlisted = said.unlisted();
        final boolean same = before != null && unlisted.equals(before.unlisted());
        if (same || (unlisted.isEmpty() && !files.use(name(view)))) {
            return;
        }
        final String json =
                serialization.asJson(new PodViewStatus(status.observedGeneration(), status.summary(), unlisted));
        files.put(name(view), json.getBytes(StandardCharsets.UTF_8));
    }

    /** Forgets a PodView that is gone. */
    void forget(final String name) throws IOException {
        remembered.remove(name);
        files.remove(name);
    }

    private Said stored(final PodView view) {
        final List<ProcessStatus> listed =
                view.getStatus() == null ? List.of() : view.getStatus().processes();
        return new Said(Stream.concat(listed.stream(), unlisted(view).stream()).toList(), listed.size());
    }

    private List<ProcessStatus> unlisted(final PodView view) {
        try {
            final Optional<byte[]> file = files.get(name(view));
            return file.isEmpty()
                    ? List.of()
                    : serialization
                            .unmarshal(new String(file.get(), StandardCharsets.UTF_8), PodViewStatus.class)
                            .processes();
        } catch (final IOException | RuntimeException e) {
            LOG.warn("{} can not be read: deadlines of the processes in it begin anew", files.file(name(view)), e);
            return List.of();
        }
    }

    /** The pod's UID. */
    private static String name(final PodView view) {
        return view.getMetadata().getName();
    }
}
