// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which threads of a process, by name and share. */
class ThreadFilterTest {
    private static final Map<Integer, String> THREADS = Map.of(12, "io_2", 10, "main", 13, "io_3", 11, "io_1");

    @ParameterizedTest
    @CsvSource({"100%,7,7", "1%,7,1", "25%,7,2", "25%,8,2", "50%,3,2", "1,7,1", "9,7,7", "3,0,0", "10%,0,0"})
    void aPartOfAThreadIsAThread(final String share, final int threads, final int chosen) {
        assertThat(ThreadShare.of(share).of(threads)).isEqualTo(chosen);
        assertThat(ThreadShare.of(share)).hasToString(share);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "0%", "101%", "-1", "many", "%"})
    void whatIsNoShareIsRefused(final String share) {
        assertThatThrownBy(() -> ThreadShare.of(share)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "'*','',true",
        "'','',true",
        "'?','',false",
        "'**','a',true",
        "'a*b','ab',true",
        "'a*b','aXbYb',true",
        "'a*b','aXbY',false",
        "'*a?','bab',true",
        "'*a?','aab',true",
        "'*io*_?','xio_io_7',true",
        "'a.c','abc',false",
        "'io?','io',false",
        "'a*b*c','a_b_b_c',true",
        "'a*b*c','a_c_b',false"
    })
    void starsStandForAnyTextAndQuestionMarksForACharacter(
            final String pattern, final String name, final boolean matches) {
        assertThat(new ThreadFilter(pattern).matches(name)).isEqualTo(matches);
    }

    @Test
    void aNameMayHaveSeveralLines() {
        assertThat(new ThreadFilter("a*b?c").matches("a\n\nb\nc")).isTrue();
    }

    @Test
    @Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void manyStarsTakeNoLonger() {
        assertThat(new ThreadFilter("*".repeat(62) + "X").matches("fifteen letters"))
                .isFalse();
        assertThat(new ThreadFilter("*?".repeat(31) + "X").matches("fifteen letters"))
                .isFalse();
    }

    @Test
    void aShareIsOfTheThreadsWithThatNameAndOfTheOldest() {
        assertThat(new ThreadFilter("io_*", ThreadShare.of("2")).chosen(THREADS))
                .containsExactlyInAnyOrder(11, 12);
        assertThat(new ThreadFilter("*", ThreadShare.of("25%")).chosen(THREADS)).containsExactly(10);
        assertThat(new ThreadFilter("io_*").chosen(THREADS)).containsExactlyInAnyOrder(11, 12, 13);
        assertThat(new ThreadFilter("none").chosen(THREADS)).isEmpty();
    }

    @Test
    void whoIsChosenStaysSoWhileThreadsComeAndTheShareIsKept() {
        final ThreadFilter half = new ThreadFilter("*", ThreadShare.of("50%"));
        final Map<Integer, String> threads = new HashMap<>(THREADS);
        Set<Integer> before = half.chosen(threads);
        for (int tid = 14; tid < 60; tid++) {
            threads.put(tid, "late");
            final Set<Integer> now = half.chosen(threads);
            assertThat(now).containsAll(before).hasSize((threads.size() + 1) / 2);
            before = now;
        }
        threads.remove(10);
        assertThat(half.chosen(threads)).contains(11, 12, 13).hasSize((threads.size() + 1) / 2);
    }

    @Test
    void aShareLeavesThreadsOutAndSaysOfNoThreadAloneThatItIsMeant() {
        final ThreadFilter share = new ThreadFilter("*", ThreadShare.of("99%"));
        assertThat(share.all()).isFalse();
        assertThat(share.matches("main")).isFalse();
        final ThreadFilter both = share.or(new ThreadFilter("main"));
        assertThat(both.matches("main")).isTrue();
        assertThat(both.all()).isFalse();
        assertThat(both.or(ThreadFilter.ALL).all()).isTrue();
    }

    @Test
    void eitherOfTwoFiltersChooses() {
        final ThreadFilter both = new ThreadFilter("main").or(new ThreadFilter("io_*"));

        assertThat(both.matches("main")).isTrue();
        assertThat(both.matches("io_1")).isTrue();
        assertThat(both.matches("other")).isFalse();
        assertThat(both.all()).isFalse();
        assertThat(both.or(ThreadFilter.ALL).all()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "*,io_thd_1,true",
        "io_thd_*,io_thd_1,true",
        "io_thd_?,io_thd_12,false",
        "a.c,abc,false",
        "main,main,true",
        "*,'two\nlines',true"
    })
    void threadsAreChosenByName(final String pattern, final String name, final boolean matches) {
        assertThat(new ThreadFilter(pattern).matches(name)).isEqualTo(matches);
    }
}
