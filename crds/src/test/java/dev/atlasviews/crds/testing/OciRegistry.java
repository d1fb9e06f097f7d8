// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.crds.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;

/** A real registry server, Debian's docker-registry. */
public final class OciRegistry implements AutoCloseable {
    /** Who may read and write where a password is asked for. */
    public static final String USER = "atlas";
    /** That user's password. */
    public static final String PASSWORD = "secret";

    private static final String HASH = "atlas:$2y$04$3yeuclKB2oWtRBY1ieNU6.zURS/PxOYbRKWPMIcSzLHnyQ8KyRbLm\n";
    private static final String MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
    private static final String BASIC =
            "Basic " + Base64.getEncoder().encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.US_ASCII));
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final String LOOPBACK = "127.0.0.1";

    private final Path folder;
    private final String host;
    private final Process process;
    private final HttpClient http = HttpClient.newHttpClient();

    /**
     * One layer of an artifact.
     *
     * @param mediaType what it is said to be
     * @param content what it is
     */
    @SuppressWarnings("ArrayRecordComponent") // not compared
    public record Part(String mediaType, byte[] content) {}

    private OciRegistry(final Path folder, final String host, final Process process) {
        this.folder = folder;
        this.host = host;
        this.process = process;
    }

    /**
     * Starts a registry on loopback without TLS from which everybody may read and to which everybody may write.
     *
     * @param folder an empty folder for data and logs
     * @return the running server, which the caller closes
     */
    public static OciRegistry start(final Path folder) throws IOException, InterruptedException {
        return startAt(folder, LOOPBACK);
    }

    /**
     * The same on another address of this machine.
     *
     * @param address where it listens
     */
    public static OciRegistry startAt(final Path folder, final String address)
            throws IOException, InterruptedException {
        return started(folder, address, "").awaited();
    }

    /** Starts a registry without TLS that asks for {@link #USER} and {@link #PASSWORD}. */
    public static OciRegistry startWithPassword(final Path folder) throws IOException, InterruptedException {
        final Path users = Files.writeString(folder.resolve("users"), HASH);
        return started(folder, LOOPBACK, "auth: {htpasswd: {realm: test, path: %s}}\n".formatted(users))
                .awaited();
    }

    /**
     * Starts a registry with TLS, from which everybody may read. It is not waited for.
     *
     * @param certificate where its own certificate is written, in PEM
     */
    public static OciRegistry startWithTls(final Path folder, final Path certificate)
            throws IOException, InterruptedException, GeneralSecurityException {
        final Path store = folder.resolve("key.p12");
        final Path keytool = Path.of(System.getProperty("java.home"), "bin", "keytool");
        Programs.output(new ProcessBuilder(
                keytool.toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-alias",
                "registry",
                "-dname",
                "CN=registry",
                "-ext",
                "SAN=ip:127.0.0.1",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD));
        final var keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        Files.writeString(
                certificate,
                Programs.pem("CERTIFICATE", keys.getCertificate("registry").getEncoded()));
        final Path key = Files.writeString(
                folder.resolve("key.pem"),
                Programs.pem(
                        "PRIVATE KEY",
                        keys.getKey("registry", PASSWORD.toCharArray()).getEncoded()));
        return started(folder, LOOPBACK, "  tls: {certificate: %s, key: %s}\n".formatted(certificate, key));
    }

    /** The registry's host and port. */
    public String host() {
        return host;
    }

    /** A file with the password, as "docker login" writes it. */
    public Path login() throws IOException {
        final String auth = BASIC.substring("Basic ".length());
        return Files.writeString(
                folder.resolve("config.json"),
                JSON.writeValueAsString(Map.of("auths", Map.of(host(), Map.of("auth", auth)))));
    }

    /**
     * Puts an artifact there.
     *
     * @return its reference by its digest
     */
    public String push(final String repository, final Part... parts) throws IOException, InterruptedException {
        final Map<String, Object> config = upload(
                repository, new Part("application/vnd.oci.empty.v1+json", "{}".getBytes(StandardCharsets.UTF_8)));
        final List<Map<String, Object>> layers = new ArrayList<>();
        for (final Part part : parts) {
            layers.add(upload(repository, part));
        }
        final byte[] manifest = JSON.writeValueAsBytes(
                Map.of("schemaVersion", 2, "mediaType", MANIFEST_TYPE, "config", config, "layers", layers));
        final Digest digest = Digest.of(manifest);
        ask("PUT", address("/v2/%s/manifests/%s".formatted(repository, digest)), MANIFEST_TYPE, manifest, 201);
        return "%s/%s@%s".formatted(host(), repository, digest);
    }

    /** Changes what the registry has under a digest, as a broken disk would. */
    public void damage(final Digest digest) throws IOException {
        final Path file = folder.resolve("data/docker/registry/v2/blobs/sha256")
                .resolve(digest.hex().substring(0, 2))
                .resolve(digest.hex())
                .resolve("data");
        final byte[] content = Files.readAllBytes(file);
        content[0] ^= 1;
        Files.write(file, content);
    }

    @Override
    public void close() {
        http.shutdownNow();
        Programs.stop(process);
    }

    private static OciRegistry started(final Path folder, final String address, final String more)
            throws IOException, InterruptedException {
        final String host = address + ":" + Programs.freePort();
        final Path config =
                Files.writeString(folder.resolve("config.yml"), """
                    version: 0.1
                    storage: {filesystem: {rootdirectory: %s}}
                    http:
                      addr: %s
                    %s\
                    """.formatted(folder.resolve("data"), host, more));
        final String program =
                Programs.output(new ProcessBuilder("../setup/docker-registry")).strip();
        return new OciRegistry(
                folder,
                host,
                new ProcessBuilder(program, "serve", config.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("registry.log").toFile())
                        .start());
    }

    private OciRegistry awaited() {
        Awaitility.await("the registry answers, see " + folder)
                .atMost(Duration.ofMinutes(1))
                .ignoreExceptions()
                .until(() -> ask("GET", address("/v2/"), "", new byte[0], 200).statusCode() == 200);
        return this;
    }

    private Map<String, Object> upload(final String repository, final Part part)
            throws IOException, InterruptedException {
        final Digest digest = Digest.of(part.content());
        final URI begun = address("/v2/%s/blobs/uploads/".formatted(repository));
        final String location = ask("POST", begun, "", new byte[0], 202)
                .headers()
                .firstValue("Location")
                .orElseThrow();
        final URI upload = begun.resolve(location + (location.contains("?") ? "&" : "?") + "digest=" + digest);
        ask("PUT", upload, "application/octet-stream", part.content(), 201);
        return Map.of("mediaType", part.mediaType(), "digest", digest.value(), "size", part.content().length);
    }

    private HttpResponse<String> ask(
            final String method, final URI address, final String type, final byte[] body, final int expected)
            throws IOException, InterruptedException {
        final HttpRequest.Builder request = HttpRequest.newBuilder(address)
                .method(method, body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body))
                .header("Authorization", BASIC);
        if (!type.isEmpty()) {
            request.header("Content-Type", type);
        }
        final HttpResponse<String> response = http.send(request.build(), BodyHandlers.ofString());
        if (response.statusCode() != expected) {
            throw new IOException("%s %s: %d %s".formatted(method, address, response.statusCode(), response.body()));
        }
        return response;
    }

    private URI address(final String path) {
        return URI.create("http://" + host() + path);
    }
}
