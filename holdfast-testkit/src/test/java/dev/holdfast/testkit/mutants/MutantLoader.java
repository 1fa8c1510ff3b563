package dev.holdfast.testkit.mutants;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;

/**
 * Loads a whole Holdfast of its own, client, engine and simulator, in which some classes are others. It shares with the
 * test what is not Holdfast's, and etcd's messages, which are generated and have nothing to be wrong in.
 */
final class MutantLoader extends ClassLoader {

    private static final String OURS = "dev.holdfast.";
    private static final String MESSAGES = "dev.holdfast.etcdapi.";

    static {
        registerAsParallelCapable();
    }

    private final Map<String, byte[]> others;

    /** @param others the classes that are others, by name */
    MutantLoader(Map<String, byte[]> others) {
        super(MutantLoader.class.getClassLoader());
        this.others = Map.copyOf(others);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith(OURS) || name.startsWith(MESSAGES)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : define(name);
        }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
        byte[] code = others.get(name);
        if (code == null) {
            try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                if (in == null) {
                    throw new ClassNotFoundException(name);
                }
                code = in.readAllBytes();
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
        return defineClass(name, code, 0, code.length);
    }
}
