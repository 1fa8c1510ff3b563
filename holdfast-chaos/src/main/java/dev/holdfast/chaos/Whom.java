package dev.holdfast.chaos;

import dev.holdfast.chaos.Gateway.Item;
import dev.holdfast.chaos.Scene.Victim;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** To whom a kind of fault is done. Nobody is the target of two faults at once. */
enum Whom {
    /** Any member. */
    MEMBER {
        @Override
        Optional<String> pick(Scene scene, SplittableRandom luck) {
            return oneOf(
                    scene, scene.cluster().members().stream().map(Member::name).toList(), luck);
        }
    },
    /** The one that is the leader now. */
    LEADER {
        @Override
        Optional<String> pick(Scene scene, SplittableRandom luck) {
            return scene.cluster().leader().map(Member::name).filter(scene::isFree);
        }
    },
    /** The one whose disk can be filled. */
    SMALL_DISK {
        @Override
        Optional<String> pick(Scene scene, SplittableRandom luck) {
            return Optional.of(Namespaces.member(Cluster.SMALL_DISK)).filter(scene::isFree);
        }
    },
    /** All at once. */
    CLUSTER {
        @Override
        Optional<String> pick(Scene scene, SplittableRandom luck) {
            return Optional.of("cluster").filter(scene::isFree);
        }
    },
    /** The proxies before all members. */
    PROXIES {
        @Override
        Optional<String> pick(Scene scene, SplittableRandom luck) {
            return Optional.of("proxies").filter(scene::isFree);
        }
    },
    /** Any client. */
    CLIENT {
        @Override
        Optional<String> pick(Scene scene, SplittableRandom luck) {
            return anyClient(scene, luck, client -> true);
        }
    },
    /** Mostly a client that holds a lock now and says so in its entry; else any. */
    HOLDER {
        @Override
        Optional<String> pick(Scene scene, SplittableRandom luck) {
            Optional<String> holder = luck.nextInt(4) == 0 ? Optional.empty() : holder(scene, luck);
            return holder.or(() -> anyClient(scene, luck, client -> true));
        }
    },
    /** A client whose wall clock can be set. */
    CLOCK {
        @Override
        Optional<String> pick(Scene scene, SplittableRandom luck) {
            return anyClient(scene, luck, client -> scene.places()
                    .home(client.name())
                    .filter(home -> home.clock() != null)
                    .isPresent());
        }
    };

    private static final Pattern PID = Pattern.compile("\"pid\":(\\d+)");

    /** The name of somebody it can be done to now, if there is one. */
    abstract Optional<String> pick(Scene scene, SplittableRandom luck);

    private static Optional<String> anyClient(Scene scene, SplittableRandom luck, Predicate<Victim> isFit) {
        return oneOf(
                scene, scene.clients().stream().filter(isFit).map(Victim::name).toList(), luck);
    }

    private static Optional<String> oneOf(Scene scene, List<String> names, SplittableRandom luck) {
        List<String> free = names.stream().filter(scene::isFree).toList();
        return free.isEmpty() ? Optional.empty() : Optional.of(free.get(luck.nextInt(free.size())));
    }

    private static Optional<String> holder(Scene scene, SplittableRandom luck) {
        String prefix = scene.prefixes().get(luck.nextInt(scene.prefixes().size()));
        return oldestEntry(scene, prefix).flatMap(entry -> {
            Matcher pid = PID.matcher(entry.value());
            return !pid.find()
                    ? Optional.empty()
                    : scene.clients().stream()
                            .filter(client -> client.pid() == Long.parseLong(pid.group(1)))
                            .map(Victim::name)
                            .filter(scene::isFree)
                            .findFirst();
        });
    }

    /** The entry that owns a lock now; of the first member that answers. */
    static Optional<Item> oldestEntry(Scene scene, String prefix) {
        for (Member member : scene.membersToAsk()) {
            try {
                return member.gateway().below(prefix).stream().findFirst();
            } catch (IOException e) {
                // Another one may answer.
            }
        }
        return Optional.empty();
    }
}
