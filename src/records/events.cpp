#include "events.h"

#include "../boundary/json.h"
#include "../boundary/settings.h"

namespace crm {

namespace {

constexpr const char *channel = "crm_concurrency";

// NOTIFY takes less than 8000 bytes.
constexpr std::size_t longest_payload = 7999;

struct Event
{
    std::string_view name;
    std::optional<core::Timestamp> version = std::nullopt;
    std::optional<std::string_view> operation = std::nullopt;
    std::optional<std::int64_t> comment_id = std::nullopt;
    std::optional<bool> is_forced = std::nullopt;
};

const char *
payload_of(const AttachedTable &table, std::optional<std::string_view> key, const Event &event)
{
    JsonBuilder json;
    json.open_object();
    json.key("event");
    json.text(event.name);
    json.key("table");
    json.text(table->customers.sql.text());
    if (key)
    {
        json.key("key");
        json.text(*key);
    }
    if (event.version)
    {
        json.key("version");
        json.time(*event.version);
    }
    if (event.operation)
    {
        json.key("operation");
        json.text(*event.operation);
    }
    if (event.comment_id)
    {
        json.key("comment_id");
        json.number(*event.comment_id);
    }
    if (event.is_forced)
    {
        json.key("forced");
        json.boolean(*event.is_forced);
    }
    json.close_object();
    return jsonb_text(json.finish());
}

void
send(const AttachedTable &table, const Key &key, const Event &event)
{
    const settings::Events form = settings::events();
    if (form == settings::events_off)
        return;
    const char *payload = payload_of(table, key_text(key), event);
    if (form == settings::events_logical)
        log_logical_message(channel, payload);
    else if (std::strlen(payload) <= longest_payload)
        Async_Notify(channel, payload);
    else
        Async_Notify(channel, payload_of(table, std::nullopt, event));
}

}  // namespace

void
send_version_event(const AttachedTable &table, const Key &key, core::Timestamp version, std::string_view operation,
                   std::optional<std::int64_t> comment_id)
{
    send(table, key, {"version", version, operation, comment_id});
}

void
send_comment_event(const AttachedTable &table, const Key &key, std::int64_t comment_id,
                   std::optional<std::string_view> operation)
{
    send(table, key, {.name = "comment", .operation = operation, .comment_id = comment_id});
}

void
send_adoption_event(const AttachedTable &table, const Key &key, std::int64_t comment_id, core::Timestamp version)
{
    send(table, key, {.name = "adoption", .version = version, .comment_id = comment_id});
}

void
send_lock_event(const AttachedTable &table, const Key &key)
{
    send(table, key, {.name = "lock"});
}

void
send_unlock_event(const AttachedTable &table, const Key &key, bool is_forced)
{
    send(table, key, {.name = "unlock", .is_forced = is_forced});
}

}  // namespace crm
