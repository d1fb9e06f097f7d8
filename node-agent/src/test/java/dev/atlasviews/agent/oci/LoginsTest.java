// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LoginsTest {

    @ParameterizedTest
    @CsvSource({
        "https://index.docker.io/v1/,docker.io",
        "https://index.docker.io/v1/,registry-1.docker.io",
        "https://index.docker.io/v1/,index.docker.io",
        "docker.io,registry-1.docker.io",
        "registry-1.docker.io,docker.io",
        "registry.example.com:5000,registry.example.com:5000",
        "https://registry.example.com,registry.example.com"
    })
    void aLoginIsFoundUnderTheNamesThatToolsStoreItUnder(final String stored, final String asked) throws IOException {
        assertThat(logins("{\"%s\": {\"auth\": \"dTpw\"}}".formatted(stored)).basic(asked))
                .contains("Basic dTpw");
    }

    @Test
    void theNameThatIsAskedForComesFirst() throws IOException {
        final Logins logins = logins("{\"https://index.docker.io/v1/\": {\"auth\": \"other\"},"
                + " \"registry-1.docker.io\": {\"username\": \"u\", \"password\": \"p\"}}");

        assertThat(logins.basic("registry-1.docker.io")).contains("Basic dTpw");
    }

    @Test
    void noRegistryIsGivenTheLoginOfAnother() throws IOException {
        final Logins logins = logins("{\"https://index.docker.io/v1/\": {\"auth\": \"dTpw\"}}");

        assertThat(logins.basic("registry.example.com")).isEmpty();
        assertThat(logins.basic("docker.io.example.com")).isEmpty();
    }

    @Test
    void whatIsNoJsonIsNotShown() {
        assertThatThrownBy(() -> Logins.read("secret".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(IOException.class)
                .hasMessageNotContaining("secret");
    }

    private static Logins logins(final String entries) throws IOException {
        return Logins.read(("{\"auths\": " + entries + "}").getBytes(StandardCharsets.UTF_8));
    }
}
