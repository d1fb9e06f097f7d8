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
        "https://registry.example.com,registry.example.com",
        "https://registry.example.com/v2/,registry.example.com",
        "registry.example.com/v1/,registry.example.com",
        "registry.example.com/team/,registry.example.com",
        "https://registry.example.com:5000/team/fix,registry.example.com:5000",
        "*.example.com,registry.example.com",
        "reg*.*.com,registry.example.com",
    })
    void aLoginIsFoundUnderTheNamesThatToolsStoreItUnder(final String stored, final String asked) throws IOException {
        assertThat(logins("{\"%s\": {\"auth\": \"dTpw\"}}".formatted(stored)).basic(asked, "team/fix"))
                .contains("Basic dTpw");
    }

    @Test
    void theNameThatIsAskedForComesFirst() throws IOException {
        final Logins logins = logins("{\"https://index.docker.io/v1/\": {\"auth\": \"other\"},"
                + " \"registry-1.docker.io\": {\"username\": \"u\", \"password\": \"p\"}}");

        assertThat(logins.basic("registry-1.docker.io", "team/fix")).contains("Basic dTpw");
    }

    @Test
    void noRegistryIsGivenTheLoginOfAnother() throws IOException {
        final Logins logins = logins("{\"https://index.docker.io/v1/\": {\"auth\": \"dTpw\"}}");

        assertThat(logins.basic("registry.example.com", "team/fix")).isEmpty();
        assertThat(logins.basic("docker.io.example.com", "team/fix")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "registry.example.com/tea",
        "registry.example.com/team/fix/more",
        "registry.example.com:5000",
        "*.com",
        "*",
        "*.example.org",
        "registryxexample.com",
    })
    void norIsARepositoryThatOfOthers(final String stored) throws IOException {
        assertThat(logins("{\"%s\": {\"auth\": \"dTpw\"}}".formatted(stored)).basic("registry.example.com", "team/fix"))
                .isEmpty();
    }

    @Test
    void theMostSpecificIsTaken() throws IOException {
        final Logins logins =
                logins("{\"*.example.com\": {\"auth\": \"any\"}, \"registry.example.com\": {\"auth\": \"host\"},"
                        + " \"registry.example.com/team\": {\"auth\": \"team\"}}");

        assertThat(logins.basic("other.example.com", "team/fix")).contains("Basic any");
        assertThat(logins.basic("registry.example.com", "teams/fix")).contains("Basic host");
        assertThat(logins.basic("registry.example.com", "team/fix")).contains("Basic team");
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
