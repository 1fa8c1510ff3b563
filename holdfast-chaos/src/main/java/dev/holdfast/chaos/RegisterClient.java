package dev.holdfast.chaos;

import dev.holdfast.history.Token;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.OptionalLong;

/** A connection to the {@link Registers}. Used by one thread. */
final class RegisterClient implements AutoCloseable {

    private final SocketChannel channel;
    private final BufferedReader answers;

    RegisterClient(Path socket) throws IOException {
        channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        answers = new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
    }

    /** The number in a register; empty if the token was refused. */
    OptionalLong read(Registers.Kind kind, String lock, Token token) throws IOException {
        return ask("read\t" + kind + "\t" + lock + "\t" + token);
    }

    /** Writes the number after {@code base}; empty if the token was refused. */
    OptionalLong write(Registers.Kind kind, String lock, Token token, String who, long base) throws IOException {
        return ask("write\t" + kind + "\t" + lock + "\t" + token + "\t" + who + "\t" + base);
    }

    private OptionalLong ask(String request) throws IOException {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(request + "\n");
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        String answer = answers.readLine();
        if (answer == null) {
            throw new EOFException("the registers are gone");
        }
        String[] fields = answer.split("\t", -1);
        return fields[0].equals("refused") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(fields[1]));
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
