package dev.holdfast.embedded;

/** Where an engine writes down what it changes. Called by the engine in the middle of its own calls; must not call it back. */
interface Journal {
    /** Forgets everything: the engine lives in memory only. */
    Journal NONE = new Journal() {
        @Override
        public void reserve(int bytes, Purpose purpose) {}

        @Override
        public void append(Command command, long revision) {}
    };

    /** Whether a change makes the store larger, or is what an operator and a releasing holder need when the disk is full. */
    enum Purpose {
        GROWS,
        FREES
    }

    /**
     * Makes sure that a command can be written down, before anything of it is carried out.
     *
     * @param bytes the size of the request that asks for it
     * @throws EtcdException when it cannot; then nothing must happen
     */
    void reserve(int bytes, Purpose purpose);

    /**
     * Takes down a command that is carried out in this call, before anybody hears of it.
     *
     * @param revision the last revision once it is carried out
     */
    void append(Command command, long revision);
}
