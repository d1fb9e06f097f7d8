// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RequestCountsTest {
    @Test
    void countsWhatCameSinceByWhoWritesIt() {
        var before = RequestCounts.parse(line("POST", "podviews", "", "201", 3));
        var after = RequestCounts.parse(line("POST", "podviews", "", "201", 10)
                + line("POST", "podviews", "", "409", 1)
                + line("PATCH", "podviews", "status", "200", 100)
                + line("POST", "viewpatches", "", "201", 50)
                + line("PATCH", "viewpatches", "", "200", 4)
                + line("PATCH", "viewpatches", "status", "200", 5)
                + line("GET", "viewpatches", "", "200", 7)
                + line("LIST", "pods", "", "200", 2)
                + line("WATCH", "pods", "", "200", 1000)
                + "apiserver_requested_deprecated_apis{resource=\"podviews\"} 1\n");
        var since = after.since(before);
        assertThat(since.ofOperator()).isEqualTo(8 + 4 + 5);
        assertThat(since.reads()).isEqualTo(9);
        assertThat(since.writes()).isEqualTo(8 + 100 + 50 + 4 + 5);
    }

    private static String line(String verb, String resource, String subresource, String code, int count) {
        return "apiserver_request_total{code=\"%s\",resource=\"%s\",subresource=\"%s\",verb=\"%s\"} %d\n"
                .formatted(code, resource, subresource, verb, count);
    }
}
