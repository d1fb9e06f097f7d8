// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.setup;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which archives the set-up finds in an apt configuration, whatever else that names. */
final class DebianSourcesTest {
    private static final String KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";
    private static final Path SETUP = Path.of("../setup").toAbsolutePath().normalize();

    @TempDir
    private Path etc;

    private record Answer(int status, List<String> lines) {}

    @BeforeEach
    void makeDirectory() throws IOException {
        Files.createDirectory(etc.resolve("sources.list.d"));
    }

    @Test
    void onlyDebiansOwnAreFoundInStanzas() throws Exception {
        write("sources.list.d/another.sources", """
            Types: deb
            URIs: http://another.example.org/linux
            Suites: CODENAME
            Components: stable
            Signed-By: /etc/apt/keyrings/another.asc
            """);
        // No empty line at its end: the next file begins another stanza.
        write("sources.list.d/debian.sources", """
            Types: deb deb-src
            # a comment
            URIs: http://one.example.org/debian
             http://two.example.org/debian
            Suites: CODENAME CODENAME-updates CODENAME-backports
            Components: main contrib
            Signed-By: KEYS

            Types: deb
            URIs: http://one.example.org/debian-security
            Suites: CODENAME-security
            Components: main
            Signed-By: KEYS\
            """);
        write("sources.list.d/off.sources", """
            Enabled: no
            Types: deb
            URIs: http://off.example.org/debian
            Suites: CODENAME
            Components: main
            """);
        write("sources.list.d/signed.sources", """
            Types: deb
            URIs: http://signed.example.org/debian
            Suites: CODENAME
            Components: main
            Signed-By:
             -----BEGIN PGP PUBLIC KEY BLOCK-----
             .
             AAAA
             -----END PGP PUBLIC KEY BLOCK-----
            """);

        assertThat(sources()).isEqualTo(new Answer(0, lines("""
            Types: deb
            URIs: http://one.example.org/debian http://two.example.org/debian
            Suites: CODENAME CODENAME-updates
            Components: main
            Signed-By: KEYS

            Types: deb
            URIs: http://one.example.org/debian-security
            Suites: CODENAME-security
            Components: main
            Signed-By: KEYS
            """)));
    }

    @Test
    void theFormOfOneLineCountsBesideTheOther() throws Exception {
        write("sources.list", """
            # deb http://comment.example.org/debian CODENAME main
            deb [ arch=amd64,i386 signed-by=/usr/share/keyrings/debian-archive-stable.gpg ] http://one.example.org/debian CODENAME main contrib # ours
            deb-src http://source.example.org/debian CODENAME main
            deb [signed-by=/etc/apt/keyrings/another.gpg] http://another.example.org CODENAME main
            deb cdrom:[Debian]/ CODENAME main
            """);
        write(
                "sources.list.d/local.list",
                "deb [trusted=yes] http://local.example.org/security CODENAME-security main");
        write("sources.list.d/browser.list", "deb [arch=amd64] http://browser.example.org/deb/ stable main");
        write("sources.list.d/another.sources", """
            Types: deb
            URIs: http://another.example.org/
            Suites: nodistro
            Components: main
            """);

        assertThat(sources()).isEqualTo(new Answer(0, lines("""
            Types: deb
            URIs: http://one.example.org/debian
            Suites: CODENAME
            Components: main
            Signed-By: /usr/share/keyrings/debian-archive-stable.gpg

            Types: deb
            URIs: http://local.example.org/security
            Suites: CODENAME-security
            Components: main
            Signed-By: KEYS
            Trusted: yes
            """)));
    }

    @Test
    void whereThereIsNoneItIsSaidWhatIsMissing() throws Exception {
        assertThat(sources()).satisfies(answer -> {
            assertThat(answer.status()).isEqualTo(1);
            assertThat(answer.lines())
                    .singleElement()
                    .asString()
                    .contains(etc + " names no archive of Debian's " + codename());
        });
    }

    private void write(final String file, final String text) throws IOException {
        Files.writeString(etc.resolve(file), String.join("\n", lines(text)) + (text.endsWith("\n") ? "\n" : ""));
    }

    private static List<String> lines(final String text) throws IOException {
        return text.replace("CODENAME", codename())
                .replace("KEYS", KEYS)
                .lines()
                .toList();
    }

    /** This machine's, as the set-up is for it. */
    private static String codename() throws IOException {
        return Files.readAllLines(Path.of("/etc/os-release")).stream()
                .filter(line -> line.startsWith("VERSION_CODENAME="))
                .findFirst()
                .orElseThrow()
                .substring("VERSION_CODENAME=".length());
    }

    private Answer sources() throws IOException, InterruptedException {
        final var command = new ProcessBuilder(
                        "bash",
                        "-c",
                        "set -euo pipefail; . \"$0/debian.sh\"; debian_sources \"$1\"",
                        SETUP.toString(),
                        etc.toString())
                .redirectErrorStream(true);
        command.environment().put("ATLAS_CACHE", etc.resolve("cache").toString());
        final Process process = command.start();
        final String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Answer(process.waitFor(), text.lines().toList());
    }
}
