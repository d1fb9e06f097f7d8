// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.agent.oci.RegistryException.Kind;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciReference;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscribers;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Asks one registry for the parts of one artifact, by their digests. All of it together takes no longer than its deadline. */
final class RegistryClient implements AutoCloseable {
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);
    private static final int MAX_REDIRECTS = 5;
    private static final int MAX_TOKEN_ANSWER = 64 << 10;
    private static final String MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
    private static final String AUTHORIZATION = "Authorization";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http;
    private final String scheme;
    private final OciReference reference;
    private final Optional<String> login;
    private final Deadline deadline;

    /** What was found to be wanted with each request to the registry. */
    private @Nullable String authorization;

    private RegistryClient(
            final HttpClient http,
            final String scheme,
            final OciReference reference,
            final Optional<String> login,
            final Deadline deadline) {
        this.http = http;
        this.scheme = scheme;
        this.reference = reference;
        this.login = login;
        this.deadline = deadline;
    }

    /**
     * A client for one artifact, which the caller closes.
     *
     * @throws RegistryException if the registry may not be asked
     */
    static RegistryClient of(final OciReference reference, final RegistrySettings settings, final Deadline deadline)
            throws RegistryException {
        try {
            final String registry = reference.registry();
            final String scheme = settings.scheme(registry)
                    .orElseThrow(() -> new RegistryException(
                            Kind.DENIED,
                            "the agents may not ask the registry %s for %s: add it to the chart's patches.registries"
                                    .formatted(registry, reference)));
            final Optional<byte[]> logins = settings.logins();
            final Optional<String> login = logins.isEmpty()
                    ? Optional.empty()
                    : Logins.read(logins.get()).basic(registry, reference.repository());
            final HttpClient.Builder builder =
                    HttpClient.newBuilder().connectTimeout(CONNECT_LIMIT).followRedirects(HttpClient.Redirect.NEVER);
            final Optional<byte[]> certificates = settings.certificates();
            if (certificates.isPresent()) {
                builder.sslContext(Certificates.trusting(certificates.get()));
            }
            return new RegistryClient(builder.build(), scheme, reference, login, deadline);
        } catch (final IOException | GeneralSecurityException e) {
            throw new RegistryException(
                    Kind.LOCAL,
                    "what the agent was told about registries can not be used: %s: correct the chart's values"
                            .formatted(e.getMessage()));
        }
    }

    @Override
    public void close() {
        // Whatever still comes is not wanted.
        http.shutdownNow();
    }

    /** The artifact's manifest. */
    byte[] manifest() throws RegistryException, InterruptedException {
        return get("manifests", reference.digest(), PatchManifest.MAX_SIZE);
    }

    /** The content of a layer. */
    byte[] layer(final PatchManifest.Part part) throws RegistryException, InterruptedException {
        return get("blobs", part.digest(), part.size());
    }

    private byte[] get(final String kind, final Digest digest, final int limit)
            throws RegistryException, InterruptedException {
        final URI address =
                URI.create("%s://%s/v2/%s/%s/%s".formatted(scheme, host(), reference.repository(), kind, digest));
        HttpResponse<byte[]> answer = ask(address, authorization, limit);
        // Whoever the registry sent us to does not say where its password goes.
        if (answer.statusCode() == 401 && authorization == null && isSameHost(address, answer.uri())) {
            authorization = authorize(answer);
            answer = ask(address, authorization, limit);
        }
        final int status = answer.statusCode();
        if (status != 200) {
            throw refusal(status, kind);
        }
        final byte[] content = answer.body();
        final Digest found = Digest.of(content);
        if (!found.equals(digest)) {
            throw new RegistryException(
                    Kind.MISMATCH,
                    "the registry sent %d bytes with the digest %s for %s of %s: push the patch again, or repair the registry"
                            .formatted(content.length, found, digest, reference));
        }
        return content;
    }

    /** The name is not that of the host there. */
    private String host() {
        return reference.registry().equals("docker.io") ? "registry-1.docker.io" : reference.registry();
    }

    private RegistryException refusal(final int status, final String kind) {
        return switch (status) {
            case 401, 403 ->
                denied(
                        "the registry %s answered %d for %s %s: give the agents credentials that may read it (the Secret of the chart's patches.registryCredentials)"
                                .formatted(
                                        reference.registry(),
                                        status,
                                        reference,
                                        login.isPresent()
                                                ? "with the credentials of the agents"
                                                : "without credentials"));
            case 404 ->
                new RegistryException(
                        Kind.NOT_FOUND,
                        "the registry %s has no %s%s: push the patch and name what \"kubectl atlas push\" prints"
                                .formatted(
                                        reference.registry(),
                                        reference,
                                        kind.equals("blobs") ? " in full (a layer is missing)" : ""));
            default -> unavailable("it answered %d".formatted(status));
        };
    }

    /** One answer, after redirections, of at most so many bytes where it is a good one. */
    private HttpResponse<byte[]> ask(final URI address, final @Nullable String header, final int limit)
            throws RegistryException, InterruptedException {
        URI next = address;
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            // Whoever the registry sends us to is not told what only the registry is to know.
            final HttpResponse<byte[]> response = send(next, isSameHost(address, next) ? header : null, limit);
            final Optional<String> location = response.headers().firstValue("Location");
            if (response.statusCode() / 100 != 3 || location.isEmpty()) {
                return response;
            }
            next = redirected(next, location.get());
        }
        throw unavailable("it redirects more than %d times".formatted(MAX_REDIRECTS));
    }

    private URI redirected(final URI from, final String location) throws RegistryException {
        try {
            return allowed(from.resolve(location));
        } catch (final IllegalArgumentException e) {
            throw unavailable("it redirects to what is no address");
        }
    }

    /** What came by TLS goes on by it. */
    private URI allowed(final URI address) throws RegistryException {
        final String to = String.valueOf(address.getScheme());
        if (!to.equals("https") && !(to.equals("http") && scheme.equals("http"))) {
            throw unavailable("it sends the agent to an address without TLS");
        }
        return address;
    }

    private static boolean isSameHost(final URI one, final URI other) {
        return Objects.equals(one.getScheme(), other.getScheme())
                && Objects.equals(one.getAuthority(), other.getAuthority());
    }

    private HttpResponse<byte[]> send(final URI address, final @Nullable String header, final int limit)
            throws RegistryException, InterruptedException {
        final CompletableFuture<HttpResponse<byte[]>> answer;
        try {
            final HttpRequest.Builder request =
                    HttpRequest.newBuilder(address).header("Accept", MANIFEST_TYPE + ", */*");
            if (header != null) {
                request.header(AUTHORIZATION, header);
            }
            // Of an answer that is no good one only the status counts.
            answer = http.sendAsync(
                    request.build(),
                    head -> head.statusCode() == 200
                            ? BodySubscribers.limiting(BodySubscribers.ofByteArray(), limit)
                            : BodySubscribers.replacing(new byte[0]));
        } catch (final IllegalArgumentException e) {
            throw unavailable("%s can not be asked".formatted(address));
        }
        try {
            return answer.get(deadline.remaining(), TimeUnit.NANOSECONDS);
        } catch (final TimeoutException e) {
            throw unavailable("it took longer than " + deadline);
        } catch (final ExecutionException e) {
            throw failure(address, limit, e.getCause());
        } finally {
            answer.cancel(true);
        }
    }

    private RegistryException failure(final URI address, final int limit, final @Nullable Throwable cause) {
        final String text = cause == null ? "" : String.valueOf(cause.getMessage());
        if (text.contains("exceeds capacity")) {
            return new RegistryException(
                    Kind.MISMATCH,
                    "the registry %s sends more than the %d bytes that belong to %s"
                            .formatted(reference.registry(), limit, reference));
        }
        final String name = cause == null ? "no answer" : cause.getClass().getSimpleName();
        return unavailable("%s: %s%s"
                .formatted(address.getAuthority(), name, text.isEmpty() || text.equals("null") ? "" : ": " + text));
    }

    private RegistryException unavailable(final String why) {
        return new RegistryException(
                Kind.UNAVAILABLE,
                "the registry %s can not be asked for %s: %s. It is tried again"
                        .formatted(reference.registry(), reference, why));
    }

    private static RegistryException denied(final String message) {
        return new RegistryException(Kind.DENIED, message);
    }

    /** What the registry wants to be told. */
    private String authorize(final HttpResponse<byte[]> refused) throws RegistryException, InterruptedException {
        final Challenge challenge = Challenge.of(refused.headers().allValues("WWW-Authenticate"))
                .orElseThrow(() -> refusal(401, "manifests"));
        if (!challenge.wantsToken()) {
            return login.orElseThrow(() -> refusal(401, "manifests"));
        }
        try {
            final URI address = allowed(challenge.tokenAddress(reference.repository()));
            final HttpResponse<byte[]> answer = ask(address, login.orElse(null), MAX_TOKEN_ANSWER);
            switch (answer.statusCode()) {
                case 200 -> {
                    // It has the token.
                }
                case 400, 401, 403 -> throw refusal(401, "manifests");
                default -> throw unavailable("its token service answered %d".formatted(answer.statusCode()));
            }
            final JsonNode tokens = JSON.readTree(answer.body());
            final JsonNode token = tokens.hasNonNull("token") ? tokens.get("token") : tokens.path("access_token");
            if (!token.isTextual()) {
                throw unavailable("its token service gave no token");
            }
            return "Bearer " + token.asText();
        } catch (final IOException | IllegalArgumentException e) {
            throw unavailable("its token service can not be understood");
        }
    }
}
