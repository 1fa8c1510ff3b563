package dev.holdfast.testkit.contract;

import dev.holdfast.testkit.RealEtcd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** What an operator does with etcdctl to users and roles of one etcd. */
final class EtcdAdmin {

    static final String ROOT_PASSWORD = "root-password";

    private final String program;
    private final List<String> connection;
    private boolean isEnabled;

    /** Uses the etcdctl that came with the program; more arguments tell it of certificates. */
    EtcdAdmin(RealEtcd.Binary binary, String endpoint, String... more) {
        program = Objects.requireNonNull(binary.etcdctl(), "no etcdctl next to " + binary)
                .toString();
        connection = new ArrayList<>(List.of("--endpoints=" + endpoint));
        connection.addAll(List.of(more));
    }

    /** Enables authentication, with a user root. */
    void enable() {
        run("user", "add", "root:" + ROOT_PASSWORD);
        run("user", "grant-role", "root", "root");
        run("auth", "enable");
        isEnabled = true;
    }

    /** A user with a role of the same name. */
    void addUser(String user, String password) {
        run("user", "add", user + ":" + password);
        run("role", "add", user);
        run("user", "grant-role", user, user);
    }

    void grant(String role, String prefix) {
        run("role", "grant-permission", role, "readwrite", "--prefix=true", prefix);
    }

    /** Runs one command; its output. */
    String run(String... arguments) {
        List<String> command = new ArrayList<>(List.of(program));
        command.addAll(connection);
        if (isEnabled) {
            command.add("--user=root:" + ROOT_PASSWORD);
        }
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("ETCDCTL_"));
        builder.environment().put("ETCDCTL_API", "3");
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("no end of " + command);
            }
            if (process.exitValue() != 0) {
                throw new AssertionError(command + ": " + output);
            }
            return output;
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
