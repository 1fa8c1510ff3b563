package dev.holdfast.cli;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Listens to the signals that end a process, until it is closed. Which signal it was is not to be learned in any other way
 * than {@code sun.misc.Signal}, which is called by reflection because the compiler warns of it.
 */
final class Signals implements AutoCloseable {

    /**
     * A signal.
     *
     * @param name without SIG, such as {@code TERM}
     * @param number such as 15
     */
    record Signal(String name, int number) {}

    private static final List<String> NAMES = List.of("HUP", "INT", "TERM");

    private final List<Runnable> undo = new ArrayList<>();

    /**
     * Calls the listener on a thread of the JVM's whenever one comes, instead of shutting the JVM down. A signal that was
     * ignored when the JVM started, as under nohup, stays ignored.
     */
    Signals(Consumer<Signal> listener) {
        try {
            Class<?> type = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Method number = type.getMethod("getNumber");
            Method handle = type.getMethod("handle", type, handlerType);
            for (String name : NAMES) {
                Object signal = type.getConstructor(String.class).newInstance(name);
                Signal told = new Signal(name, (int) number.invoke(signal));
                Object handler = Proxy.newProxyInstance(
                        Signals.class.getClassLoader(), new Class<?>[] {handlerType}, (self, method, args) -> {
                            if (method.getName().equals("handle")) {
                                listener.accept(told);
                                return null;
                            }
                            return method.getName().equals("equals") ? self == args[0] : System.identityHashCode(self);
                        });
                Object before = handle.invoke(null, signal, handler);
                undo.add(() -> {
                    try {
                        handle.invoke(null, signal, before);
                    } catch (ReflectiveOperationException e) {
                        throw new IllegalStateException(e);
                    }
                });
            }
        } catch (ReflectiveOperationException e) {
            // With -Xrs, or in a JVM without that class, a shutdown interrupts the command instead; see Main.
            close();
        }
    }

    @Override
    public void close() {
        undo.forEach(Runnable::run);
        undo.clear();
    }
}
