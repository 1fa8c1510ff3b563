package dev.holdfast.testkit.mutants;

/**
 * One change of one source.
 *
 * @param source path of the file, below the folder of sources
 * @param find what is there; where its white space is does not matter, so that formatting may change
 * @param replacement what is put there instead
 */
record Edit(String source, String find, String replacement) {

    /**
     * The text with the change made.
     *
     * @throws IllegalArgumentException if what should be replaced is not there exactly once
     */
    String applyTo(String text) {
        StringBuilder dense = new StringBuilder();
        int[] at = new int[text.length()];
        for (int i = 0; i < text.length(); i++) {
            if (!Character.isWhitespace(text.charAt(i))) {
                at[dense.length()] = i;
                dense.append(text.charAt(i));
            }
        }
        String wanted = find.replaceAll("\\s", "");
        if (wanted.isEmpty()) {
            throw new IllegalArgumentException("it says nothing of what to replace in " + source);
        }
        int found = dense.indexOf(wanted);
        if (found < 0) {
            throw new IllegalArgumentException(source + " has no\n" + find);
        }
        if (dense.indexOf(wanted, found + 1) >= 0) {
            throw new IllegalArgumentException(source + " has this more than once:\n" + find);
        }
        return text.substring(0, at[found]) + replacement.strip() + text.substring(at[found + wanted.length() - 1] + 1);
    }
}
