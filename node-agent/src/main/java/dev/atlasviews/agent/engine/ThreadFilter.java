// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Chooses threads by name, and of those with such a name a share: those with the lowest ids, which are the oldest, so that
 * the choice stays the same while others come and go.
 *
 * @param choices of which one must choose a thread
 */
public record ThreadFilter(List<Choice> choices) {
    /** Every thread. */
    public static final ThreadFilter ALL = new ThreadFilter("*");

    /**
     * A share of the threads of some name.
     *
     * @param pattern the name; {@code *} stands for any characters, {@code ?} for one
     * @param share how many of them
     */
    public record Choice(String pattern, ThreadShare share) {
        private boolean all() {
            return pattern.equals("*") && share.all();
        }
    }

    /** Copies the list. */
    public ThreadFilter {
        choices = List.copyOf(choices);
    }

    /** The threads with such a name. */
    public ThreadFilter(final String pattern) {
        this(pattern, ThreadShare.ALL);
    }

    /** A share of the threads with such a name. */
    public ThreadFilter(final String pattern, final ThreadShare share) {
        this(List.of(new Choice(pattern, share)));
    }

    /** The threads that this or the other chooses. */
    public ThreadFilter or(final ThreadFilter other) {
        return new ThreadFilter(Stream.concat(choices.stream(), other.choices.stream())
                .distinct()
                .toList());
    }

    /** Whether it is meant for a thread of this name, whatever other threads there are. */
    public boolean matches(final String name) {
        return choices.stream().anyMatch(choice -> choice.share().all() && matches(choice.pattern(), name));
    }

    /**
     * The threads that it is meant for.
     *
     * @param threads the names of all threads of a process by their ids
     * @return their ids
     */
    public Set<Integer> chosen(final Map<Integer, String> threads) {
        return choices.stream().flatMap(choice -> chosen(choice, threads)).collect(Collectors.toSet());
    }

    private static Stream<Integer> chosen(final Choice choice, final Map<Integer, String> threads) {
        final List<Integer> named = threads.entrySet().stream()
                .filter(thread -> matches(choice.pattern(), thread.getValue()))
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
        return named.stream().limit(choice.share().of(named.size()));
    }

    /** Whether it leaves no thread out. */
    public boolean all() {
        return choices.stream().anyMatch(Choice::all);
    }

    /**
     * In time that grows with the product of the two lengths, whatever the pattern: as a regular expression one of many
     * stars would be tried in more ways than there is time for.
     */
    private static boolean matches(final String pattern, final String name) {
        int at = 0;
        int star = -1;
        int afterStar = 0;
        int i = 0;
        while (i < name.length()) {
            if (at < pattern.length() && pattern.charAt(at) == '*') {
                star = at++;
                afterStar = i;
            } else if (at < pattern.length() && (pattern.charAt(at) == '?' || pattern.charAt(at) == name.charAt(i))) {
                at++;
                i++;
            } else if (star >= 0) {
                // The last star takes one character more.
                at = star + 1;
                i = ++afterStar;
            } else {
                return false;
            }
        }
        return pattern.chars().skip(at).allMatch(character -> character == '*');
    }
}
