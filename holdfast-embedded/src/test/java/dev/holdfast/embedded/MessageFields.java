package dev.holdfast.embedded;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Rewrites the fields of messages, however deep they lie. */
final class MessageFields {
    /** Fields that name a server, an election or a moment. */
    private static final Set<String> IDS = Set.of("cluster_id", "member_id", "raft_term", "memberID");

    /** What becomes of one value of a field that is not itself a message. */
    interface Rewrite {
        /** Returns the new value; null clears the field. */
        @Nullable
        Object apply(FieldDescriptor field, Object value);
    }

    private MessageFields() {}

    /** The message with every field that is set rewritten; the same object when nothing changes. */
    static Message rewrite(Message message, Rewrite rewrite) {
        Message.Builder builder = null;
        for (Map.Entry<FieldDescriptor, Object> set : message.getAllFields().entrySet()) {
            FieldDescriptor field = set.getKey();
            boolean isMessage = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
            if (field.isRepeated()) {
                List<?> items = (List<?>) set.getValue();
                for (int i = 0; isMessage && i < items.size(); i++) {
                    Message item = rewrite((Message) items.get(i), rewrite);
                    if (item != items.get(i)) {
                        builder = builder == null ? message.toBuilder() : builder;
                        builder.setRepeatedField(field, i, item);
                    }
                }
            } else {
                Object value =
                        isMessage ? rewrite((Message) set.getValue(), rewrite) : rewrite.apply(field, set.getValue());
                if (value != set.getValue()) {
                    builder = builder == null ? message.toBuilder() : builder;
                    if (value == null) {
                        builder.clearField(field);
                    } else {
                        builder.setField(field, value);
                    }
                }
            }
        }
        return builder == null ? message : builder.build();
    }

    static Message withoutIds(Message message) {
        return rewrite(message, (field, value) -> isId(field) ? null : value);
    }

    static boolean isId(FieldDescriptor field) {
        return IDS.contains(field.getName());
    }
}
