package dev.holdfast.embedded;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.holdfast.etcdapi.TxnRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Makes a history that shows something as small as it can: leaves out steps, halves first, then fields of those that are
 * left, and makes numbers smaller. Ends when nothing more can be done, or after a number of attempts.
 */
final class Shrinking {
    private final Predicate<History> shows;
    private List<Step> steps;
    private int attempts;

    private Shrinking(History history, Predicate<History> shows, int attempts) {
        steps = history.steps();
        this.shows = shows;
        this.attempts = attempts;
    }

    /**
     * @param shows whether a history still shows it
     * @param attempts how often to ask at most
     */
    static History shrink(History history, Predicate<History> shows, int attempts) {
        Shrinking shrinking = new Shrinking(history, shows, attempts);
        boolean isSmaller;
        do {
            isSmaller = shrinking.leaveOutSteps();
            isSmaller |= shrinking.leaveOutFields();
        } while (isSmaller);
        return new History(shrinking.steps);
    }

    private boolean isEnough(List<Step> smaller) {
        if (attempts == 0) {
            return false;
        }
        attempts--;
        if (!shows.test(new History(smaller))) {
            return false;
        }
        steps = smaller;
        return true;
    }

    private boolean leaveOutSteps() {
        boolean isSmaller = false;
        for (int size = Math.max(1, steps.size() / 2); size > 0; size /= 2) {
            // From the end: what comes after the difference goes at once.
            for (int from = steps.size() - size; from > -size; from -= size) {
                int first = Math.max(0, from);
                int end = Math.min(from + size, steps.size());
                if (first >= end) {
                    continue;
                }
                List<Step> smaller = new ArrayList<>(steps.subList(0, first));
                smaller.addAll(steps.subList(end, steps.size()));
                // What was left out may have been a revision.
                isSmaller |= isEnough(smaller) || (size == 1 && isEnough(oneRevisionEarlier(smaller)));
            }
        }
        return isSmaller;
    }

    private static List<Step> oneRevisionEarlier(List<Step> steps) {
        List<Step> earlier = new ArrayList<>();
        for (Step step : steps) {
            // As a server would be asked that began one revision earlier.
            earlier.add(
                    step instanceof Step.Request request
                            ? new Step.Request(History.shifted(request.message(), -1))
                            : step);
        }
        return earlier;
    }

    private boolean leaveOutFields() {
        boolean isSmaller = false;
        for (int i = 0; i < steps.size(); i++) {
            boolean again = true;
            while (again) {
                again = false;
                if (steps.get(i) instanceof Step.Request request) {
                    for (Message simpler : simpler(request.message())) {
                        List<Step> smaller = new ArrayList<>(steps);
                        smaller.set(i, new Step.Request(simpler));
                        if (isEnough(smaller)) {
                            again = true;
                            isSmaller = true;
                            break;
                        }
                    }
                }
            }
        }
        return isSmaller;
    }

    /** The message without one of its fields or elements, or of those deeper in it; each way to do that. */
    private static List<Message> simpler(Message message) {
        List<Message> found = new ArrayList<>();
        if (message instanceof TxnRequest txn
                && txn.getSuccessCount() == 1
                && txn.getSuccess(0).hasRequestTxn()) {
            found.add(txn.getSuccess(0).getRequestTxn());
        }
        if (message instanceof TxnRequest txn && txn.getFailureCount() > 0) {
            found.add(
                    TxnRequest.newBuilder().addAllSuccess(txn.getFailureList()).build());
        }
        message.getAllFields().forEach((field, value) -> {
            found.add(message.toBuilder().clearField(field).build());
            boolean isMessage = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
            if (field.isRepeated()) {
                List<?> items = (List<?>) value;
                for (int i = 0; i < items.size(); i++) {
                    if (items.size() > 1) {
                        List<Object> fewer = new ArrayList<>(items);
                        fewer.remove(i);
                        found.add(message.toBuilder().setField(field, fewer).build());
                    }
                    if (isMessage) {
                        for (Message item : simpler((Message) items.get(i))) {
                            found.add(message.toBuilder()
                                    .setRepeatedField(field, i, item)
                                    .build());
                        }
                    }
                }
            } else if (isMessage) {
                for (Message inner : simpler((Message) value)) {
                    found.add(message.toBuilder().setField(field, inner).build());
                }
            } else if (value instanceof Long number && number > 1) {
                long near = number >= History.START ? History.START : 0;
                if (number > near) {
                    found.add(message.toBuilder()
                            .setField(field, near + (number - near) / 2)
                            .build());
                    found.add(message.toBuilder().setField(field, number - 1).build());
                }
            }
        });
        return found;
    }
}
