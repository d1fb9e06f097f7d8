// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Runs the chart's Jobs on a server that has no controllers, nodes or pods: each as a process with the rights of its account,
 * one after the other. Then it says of the Job how that ended, for which Helm waits.
 */
final class JobController implements AutoCloseable, ResourceEventHandler<Job> {
    private final KubernetesClient client;
    private final Path kubeconfig;
    private final Path log;
    private final ExecutorService runs = Executors.newSingleThreadExecutor();
    private final SharedIndexInformer<Job> jobs;

    /**
     * Begins to run Jobs.
     *
     * @param client with all rights
     * @param kubeconfig how the programs reach the server
     * @param folder where the log of the last one is
     */
    JobController(final KubernetesClient client, final Path kubeconfig, final Path folder) {
        this.client = client;
        this.kubeconfig = kubeconfig;
        this.log = folder.resolve("job.log");
        this.jobs = client.batch().v1().jobs().inNamespace(Chart.NAMESPACE).inform(this);
    }

    /** What the last one wrote. */
    String log() throws IOException {
        return Files.readString(log);
    }

    @Override
    public void onAdd(final Job job) {
        runs.execute(() -> {
            boolean succeeded = false;
            try {
                succeeded = succeeds(job);
            } finally {
                // Helm would wait for ever.
                finish(job, succeeded);
            }
        });
    }

    @Override
    public void onUpdate(final Job before, final Job now) {
        // A Job is not changed while it runs.
    }

    @Override
    public void onDelete(final Job job, final boolean unknown) {
        // One that has ended may go.
    }

    private boolean succeeds(final Job job) {
        final PodSpec pod = job.getSpec().getTemplate().getSpec();
        final ServiceAccount account = client.serviceAccounts()
                .inNamespace(Chart.NAMESPACE)
                .withName(pod.getServiceAccountName())
                .get();
        try {
            return account != null
                    && ContainerProgram.program(
                                            account.getMetadata().getName(),
                                            kubeconfig,
                                            pod.getContainers().getFirst().getArgs(),
                                            log)
                                    .start()
                                    .waitFor()
                            == 0;
        } catch (final IOException | InterruptedException e) {
            throw new IllegalStateException("the Job could not be run", e);
        }
    }

    private void finish(final Job job, final boolean succeeded) {
        client.resource(job)
                .editStatus(current -> new JobBuilder(current)
                        .editOrNewStatus()
                        .addNewCondition()
                        .withType(succeeded ? "Complete" : "Failed")
                        .withStatus("True")
                        .withReason(succeeded ? null : "BackoffLimitExceeded")
                        .endCondition()
                        .endStatus()
                        .build());
    }

    @Override
    public void close() {
        jobs.close();
        runs.close();
    }
}
