// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.crds.testing.Programs;
import dev.atlasviews.crds.testing.ServerProcesses;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;

/** A real Prometheus on loopback, Debian's, that asks programs every second how they are. */
final class Prometheus implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private final HttpClient http = HttpClient.newHttpClient();
    private final int port;
    private final ServerProcesses processes;

    private Prometheus(final Path folder, final int port) {
        this.processes = new ServerProcesses(folder);
        this.port = port;
    }

    /**
     * Starts it.
     *
     * @param folder an empty folder for data and logs
     * @param jobs the programs
     * @param rules groups of rules, as a PrometheusRule has them
     * @return the running server, which the caller closes
     */
    static Prometheus start(final Path folder, final List<Job> jobs, final Object rules)
            throws IOException, InterruptedException {
        // JSON is YAML.
        final Path ruleFile = write(folder.resolve("rules.json"), Map.of("groups", rules));
        final Path config = write(
                folder.resolve("config.json"),
                Map.of(
                        "global",
                        Map.of("scrape_interval", "1s", "scrape_timeout", "1s", "evaluation_interval", "1s"),
                        "rule_files",
                        List.of(ruleFile.toString()),
                        "scrape_configs",
                        jobs.stream().map(Job::configuration).toList()));
        final String program =
                Programs.output(new ProcessBuilder("../setup/prometheus")).strip();
        final int port = Programs.freePort();
        final var server = new Prometheus(folder, port);
        try {
            server.processes.launch(
                    "prometheus",
                    Path.of(program),
                    "--config.file=" + config,
                    "--storage.tsdb.path=" + folder.resolve("data"),
                    "--web.listen-address=127.0.0.1:" + port);
            server.awaitAnswer(folder);
        } catch (final RuntimeException | IOException e) {
            server.close();
            throw e;
        }
        return server;
    }

    /** The samples that an expression has now. */
    List<Sample> query(final String expression) throws IOException, InterruptedException {
        final JsonNode result = data("query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8))
                .get("result");
        return result.valueStream()
                .map(sample -> new Sample(
                        sample.get("metric"),
                        Double.parseDouble(sample.get("value").get(1).asText())))
                .toList();
    }

    /** The rules that it evaluates, of all groups. */
    List<JsonNode> rules() throws IOException, InterruptedException {
        return data("rules")
                .get("groups")
                .valueStream()
                .flatMap(group -> group.get("rules").valueStream())
                .toList();
    }

    /** The programs that it asks. */
    List<JsonNode> targets() throws IOException, InterruptedException {
        return data("targets").get("activeTargets").valueStream().toList();
    }

    @Override
    public void close() {
        http.shutdownNow();
        processes.close();
    }

    /**
     * A program that is asked.
     *
     * @param name what it is called
     * @param port of loopback, at which it answers
     * @param path where it answers there
     * @param labels what is known of it besides
     */
    record Job(String name, int port, String path, Map<String, String> labels) {
        private Map<String, Object> configuration() {
            return Map.of(
                    "job_name",
                    name,
                    "metrics_path",
                    path,
                    "static_configs",
                    List.of(Map.of("targets", List.of("127.0.0.1:" + port), "labels", labels)));
        }
    }

    /**
     * What an expression gives for one set of labels.
     *
     * @param labels the labels
     * @param value the value
     */
    record Sample(JsonNode labels, double value) {}

    private void awaitAnswer(final Path folder) {
        Awaitility.await("Prometheus answers, see " + folder)
                .atMost(LIMIT)
                .ignoreExceptions()
                .until(() -> get("/-/ready").statusCode() == 200);
    }

    private JsonNode data(final String question) throws IOException, InterruptedException {
        final HttpResponse<String> response = get("/api/v1/" + question);
        final JsonNode answer = JSON.readTree(response.body());
        if (!answer.path("status").asText().equals("success")) {
            throw new IOException(question + ": " + response.body());
        }
        return answer.get("data");
    }

    private HttpResponse<String> get(final String path) throws IOException, InterruptedException {
        final URI address = URI.create("http://127.0.0.1:" + port + path);
        return http.send(HttpRequest.newBuilder(address).timeout(LIMIT).build(), BodyHandlers.ofString());
    }

    private static Path write(final Path file, final Object content) throws IOException {
        return Files.writeString(file, JSON.writeValueAsString(content));
    }
}
