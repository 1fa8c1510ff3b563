package dev.holdfast.transport;

import java.util.List;

/**
 * Where an etcd server listens. Immutable.
 *
 * @param scheme what its text said before the host
 * @param host a name or an address; an IPv6 address without brackets
 * @param port 1 to 65535
 */
public record Endpoint(Scheme scheme, String host, int port) {

    /** How an endpoint was written. */
    public enum Scheme {
        /** Plain text, whatever the settings say. */
        HTTP,
        /** TLS, whatever the settings say. */
        HTTPS,
        /** TLS if the client has settings for it, plain text otherwise. */
        NONE
    }

    public Endpoint {
        if (host.isEmpty()) {
            throw new IllegalArgumentException("an endpoint needs a host");
        }
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("port " + port + " of an endpoint is not between 1 and 65535");
        }
    }

    /**
     * Reads {@code https://host:port}, {@code http://host:port} or {@code host:port}; an IPv6 address stands in brackets.
     *
     * @throws IllegalArgumentException if the text is anything else; the message quotes it and says what to write
     */
    public static Endpoint parse(String text) {
        String rest = text.strip();
        Scheme scheme = Scheme.NONE;
        int end = rest.indexOf("://");
        if (end >= 0) {
            String name = rest.substring(0, end);
            if (name.equalsIgnoreCase("https")) {
                scheme = Scheme.HTTPS;
            } else if (name.equalsIgnoreCase("http")) {
                scheme = Scheme.HTTP;
            } else {
                throw wrong(
                        text,
                        "the scheme \"" + name + "\" is unknown",
                        "use https://host:port, or http://host:port without TLS");
            }
            rest = rest.substring(end + 3);
        }
        if (rest.endsWith("/")) {
            rest = rest.substring(0, rest.length() - 1);
        }
        if (rest.isEmpty()) {
            throw wrong(text, "it is empty", "write host:port, such as 127.0.0.1:2379");
        }
        if (rest.indexOf(',') >= 0) {
            throw wrong(text, "it names more than one server", "give each endpoint as a text of its own");
        }
        if (rest.indexOf('/') >= 0 || rest.indexOf('?') >= 0 || rest.indexOf('#') >= 0) {
            throw wrong(text, "it has a path", "write host:port only");
        }
        if (rest.indexOf('@') >= 0) {
            throw wrong(text, "it has a user name", "write host:port only, and give credentials separately");
        }
        if (rest.chars().anyMatch(c -> Character.isWhitespace(c) || Character.isISOControl(c))) {
            throw wrong(text, "it contains a space or control character", "write host:port");
        }
        int colon = rest.lastIndexOf(':');
        if (rest.startsWith("[")) {
            int bracket = rest.indexOf(']');
            if (bracket < 0) {
                throw wrong(text, "the bracket is not closed", "write [::1]:2379");
            }
            if (bracket + 1 >= rest.length() || rest.charAt(bracket + 1) != ':') {
                throw wrong(text, "the port is missing", "write [::1]:2379");
            }
            String address = rest.substring(1, bracket);
            if (address.indexOf(':') < 0) {
                throw wrong(text, "only an IPv6 address stands in brackets", "write " + address + ":2379");
            }
            return new Endpoint(scheme, address, port(text, rest.substring(bracket + 2)));
        }
        if (colon < 0) {
            throw wrong(text, "the port is missing", "write " + rest + ":2379");
        }
        if (rest.indexOf(':') != colon) {
            throw wrong(text, "it has more than one colon", "put an IPv6 address in brackets, such as [::1]:2379");
        }
        if (colon == 0) {
            throw wrong(text, "the host is missing", "write 127.0.0.1" + rest);
        }
        return new Endpoint(scheme, rest.substring(0, colon), port(text, rest.substring(colon + 1)));
    }

    /**
     * Whether a client of these endpoints speaks TLS. It does so with all of them or with none: a client that told one of
     * its secrets in plain text to one member of three has told it.
     *
     * @param hasTlsSettings whether the user said anything about certificates
     * @throws IllegalArgumentException if they do not agree with each other or with the settings
     */
    public static boolean wantTls(List<Endpoint> endpoints, boolean hasTlsSettings) {
        for (Endpoint endpoint : endpoints) {
            if (endpoint.scheme == Scheme.HTTP && hasTlsSettings) {
                throw new IllegalArgumentException("endpoint \"" + endpoint
                        + "\" is plain text, but there are TLS settings; write https://" + endpoint.address()
                        + ", or leave the TLS settings out");
            }
        }
        List<Boolean> answers = endpoints.stream()
                .map(each -> each.scheme == Scheme.NONE ? hasTlsSettings : each.scheme == Scheme.HTTPS)
                .distinct()
                .toList();
        if (answers.size() > 1) {
            throw new IllegalArgumentException("of the endpoints " + endpoints
                    + " some are https:// and some are plain text; write https:// before each of them, or before none");
        }
        return answers.equals(List.of(true));
    }

    /** Whether it is this host, by name or address, so that nobody else can listen on the way. */
    public boolean isLoopback() {
        return host.equalsIgnoreCase("localhost") || host.startsWith("127.") || host.equals("::1");
    }

    /** As it was written: {@code address()}, after the scheme if there was one. */
    @Override
    public String toString() {
        return switch (scheme) {
            case HTTP -> "http://" + address();
            case HTTPS -> "https://" + address();
            case NONE -> address();
        };
    }

    /** Without the scheme: {@code host:port} or {@code [address]:port}. */
    public String address() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }

    private static int port(String text, String digits) {
        if (digits.isEmpty() || digits.length() > 5 || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw wrong(text, "the port \"" + digits + "\" is not a number", "write a port such as 2379");
        }
        int port = Integer.parseInt(digits);
        if (port < 1 || port > 65535) {
            throw wrong(text, "the port " + port + " is not between 1 and 65535", "write a port such as 2379");
        }
        return port;
    }

    private static IllegalArgumentException wrong(String text, String what, String remedy) {
        String shown = text.replaceFirst("^(\\s*\\w+://)?.*@", "$1***@"); // a password does not belong in a log
        return new IllegalArgumentException("endpoint \"" + shown + "\": " + what + "; " + remedy);
    }
}
