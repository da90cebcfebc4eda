#pragma once

#include "../core/timestamp.h"
#include "jsonb_bytes.h"

// Building jsonb. Times are ISO 8601 in UTC, whatever the session's settings are.
namespace crm {

// Values for jsonb; what they point to must live as long.
JsonbValue json_null();
JsonbValue json_text(std::string_view text);
JsonbValue json_number(std::int64_t number);
JsonbValue json_time(core::Timestamp time);

// A value that may be missing: null then.
template <typename T>
JsonbValue
json_or_null(JsonbValue (*make)(T), std::optional<T> value)
{
    return value ? make(*value) : json_null();
}

// A jsonb value under construction: open and close objects and arrays in order, a key before each value of an object, and
// no key twice. What is added must live until it is finished. Keys in the order in which jsonb keeps them, by length first,
// need not be sorted.
class JsonBuilder
{
public:
    void open_object();
    void close_object();
    void open_array();
    void close_array();
    void key(std::string_view name);
    void null();
    void boolean(bool flag);
    void number(std::int64_t number);
    void text(std::string_view text);
    void time(core::Timestamp time);
    void jsonb(Datum datum);
    void add(const JsonbValue &value);

    // A value that may be missing: null then.
    void optional_number(std::optional<std::int64_t> value) { value ? number(*value) : null(); }
    void optional_text(std::optional<std::string_view> value) { value ? text(*value) : null(); }
    void optional_time(std::optional<core::Timestamp> value) { value ? time(*value) : null(); }

    // Whether nothing was added yet.
    bool is_empty() const { return open == nullptr && result.type == jbvNull; }

    // The finished value as a datum of type jsonb.
    Datum finish();

private:
    // An object or array that is not closed yet.
    struct Container
    {
        Container *outer;
        bool is_object;
        bool is_sorted;
        int count;
        int capacity;
        JsonbPair *pairs;
        JsonbValue *elements;
    };

    void begin(bool is_object);
    void end();

    Container *open = nullptr;
    JsonbValue result = {};
};

// jsonb as text.
const char *jsonb_text(Datum value);

// Calls take(key) for the keys of an object, in the order of jsonb. Keys are copied into the current context.
template <typename Take>
void
each_key(const JsonbContainer *object, Take take)
{
    const int count = static_cast<int>(JsonContainerSize(object));
    const char *names = reinterpret_cast<const char *>(object->children + count + count);
    for (int i = 0; i < count; i++)
        take(pnstrdup(names + getJsonbOffset(object, i), getJsonbLength(object, i)));
}

}  // namespace crm
