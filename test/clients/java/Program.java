import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.reflect.TypeToken;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the programs of Java share: they do what remote.py tells them. */
final class Program<M, T> {
    static final class Stale extends Exception {}

    static final class Thrown extends Exception {}

    private record Kept<M>(M model, Object version) {}

    private static final Gson GSON = new GsonBuilder().serializeNulls().create();

    private final Client<M, T> client;
    private final List<Kept<M>> kept = new ArrayList<>();
    private final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    Program(Client<M, T> client) {
        this.client = client;
    }

    void run() throws Exception {
        run(null);
    }

    /** Until the end of the input, or of the transaction that it is in. */
    private void run(T transaction) throws Exception {
        for (String line; (line = input.readLine()) != null; ) {
            JsonObject told = GSON.fromJson(line, JsonObject.class);
            switch (told.get("do").getAsString()) {
                case "return" -> {
                    return;
                }
                case "throw" -> throw new Thrown();
                default -> {}
            }
            Map<String, Object> answer;
            try {
                answer = obey(told, transaction);
            } catch (Exception e) {
                answer = new LinkedHashMap<>();
                answer.put("error", e.getClass().getSimpleName());
                answer.put("message", e.getMessage());
            }
            answer(answer);
        }
    }

    private Map<String, Object> obey(JsonObject told, T transaction) throws Exception {
        String what = told.get("do").getAsString();
        switch (what) {
            case "read":
                return keep(client.read(told.get("id").getAsLong()));
            case "save":
                M model = kept.get(told.get("kept").getAsInt()).model();
                return keep(client.save(model, GSON.fromJson(told.get("changes"), new TypeToken<Map<String, String>>() {}.getType())));
            case "insert_many":
                client.insertMany(GSON.fromJson(told.get("rows"), new TypeToken<List<Map<String, String>>>() {}.getType()));
                break;
            case "update_many":
                client.updateMany(GSON.fromJson(told.get("ids"), new TypeToken<List<Long>>() {}.getType()),
                        told.get("status").getAsString());
                break;
            case "upsert":
                client.upsert(GSON.fromJson(told.get("row"), new TypeToken<Map<String, String>>() {}.getType()));
                break;
            case "call":
                JsonArray values = told.getAsJsonArray("values");
                Map<String, Object> saved = client.call(values.get(0).getAsLong(), version(values.get(1)), text(values.get(2)),
                        text(values.get(3)), text(values.get(4)), transaction);
                kept.add(new Kept<>(null, saved.get("updated_at")));
                return shown(saved);
            case "transaction":
                client.transaction(inside -> {
                    answer(Map.of());
                    run(inside);
                });
                break;
            default:
                Map<String, Object> arguments = GSON.fromJson(told, new TypeToken<Map<String, Object>>() {}.getType());
                if (told.has("version")) {
                    arguments.put("version", version(told.get("version")));
                }
                return client.own(what, arguments);
        }
        return Map.of();
    }

    private Object version(JsonElement value) {
        return value.getAsJsonPrimitive().isNumber() ? kept.get(value.getAsInt()).version() : value.getAsString();
    }

    private static String text(JsonElement value) {
        return value.isJsonNull() ? null : value.getAsString();
    }

    private Map<String, Object> keep(M model) {
        Map<String, Object> values = client.values(model);
        kept.add(new Kept<>(model, values.get("updated_at")));
        return shown(values);
    }

    private Map<String, Object> shown(Map<String, Object> values) {
        Map<String, Object> shown = new LinkedHashMap<>(values);
        Object version = values.get("updated_at");
        shown.put("updated_at", (version instanceof java.util.Date date ? date.toInstant() : (OffsetDateTime) version).toString());
        shown.put("kept", kept.size() - 1);
        return shown;
    }

    private static void answer(Map<String, Object> object) {
        System.out.println(GSON.toJson(object));
    }
}
