#include "changes_since.h"

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/spi.h"
#include "../core/version.h"
#include "request_digest.h"
#include "rows.h"

namespace crm {

namespace {

constexpr RowQuery<History> changes_after{
    .column = &HistoryFacts::version, .bound = Bound::above, .order = Order::backward};

// As row security shows them.
constexpr RowQuery<History> visible_changes_after{
    .as = As::reader, .column = &HistoryFacts::version, .bound = Bound::above, .order = Order::backward};

// So many of the latest changes are listed.
constexpr std::size_t most_changes = 50;

// One pass through the history, from the newest change to the base.
struct Pass
{
    const AttachedTable &table;
    const Key &key;
    const core::Request &request;
    Fields asked;
    bool wants_status;
    JsonbValue *listed;  // room for the latest, or nullptr when they are not to be told
    std::optional<Datum> digest = std::nullopt;
    ChangesSince changes = {};
};

// Whether this is the change that the request of the save made. The digest is worked out when it is first needed.
bool
is_request(Pass &pass, const HistoryRow &row)
{
    const std::optional<core::Timestamp> based_on = row.optional_time(&HistoryFacts::based_on);
    if (!based_on || !core::same_version(*based_on, pass.request.base) || !row.optional_value(&HistoryFacts::request))
        return false;
    if (!pass.digest)
        pass.digest = request_digest(pass.key, pass.request);
    return row.has_uuid(&HistoryFacts::request, *pass.digest);
}

bool
are_columns(const AttachedTable &table, Jsonb *fields)
{
    bool are_columns = true;
    each_key(&fields->root, [&](char *name) {
        are_columns = are_columns && get_attnum(table->customers.oid, name) > 0;
        pfree(name);
    });
    return are_columns;
}

// Whether a change has the size alone of what a field was before.
bool
is_from_omitted(JsonbContainer *recorded)
{
    JsonbValue omitted;
    if (getKeyJsonValueFromContainer(recorded, "omitted", 7, &omitted) == nullptr)
        return false;
    JsonbValue from = {};
    from.type = jbvString;
    from.val.string.val = const_cast<char *>("from");
    from.val.string.len = 4;
    return omitted.type == jbvBinary && JsonContainerIsArray(omitted.val.binary.data) &&
           findJsonbValueFromContainer(omitted.val.binary.data, JB_FARRAY, &from) != nullptr;
}

// What a field was before a change that recorded it as this; nothing where that is not known.
std::optional<Datum>
value_before(const JsonbValue &recorded)
{
    JsonbValue from;
    if (recorded.type != jbvBinary || !JsonContainerIsObject(recorded.val.binary.data) ||
        is_from_omitted(recorded.val.binary.data) ||
        getKeyJsonValueFromContainer(recorded.val.binary.data, "from", 4, &from) == nullptr)
        return std::nullopt;
    return jsonb_datum(from);
}

void
take_fields(Pass &pass, Datum datum)
{
    Jsonb *fields = DatumGetJsonbP(datum);
    if (!JB_ROOT_IS_OBJECT(fields))
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                        errmsg("a change of %s in \"%s\" is malformed", row_name(pass.table, pass.key).data(),
                               errors::name_of(pass.table->history.oid)),
                        errdetail("Its fields are no JSON object. Nothing was saved."),
                        errhint("The history is written by triggers: correct what was written by hand.")));
    if (pass.request.merge)
        pass.changes.are_updates = pass.changes.are_updates && are_columns(pass.table, fields);
    for (std::size_t i = 0; i < pass.asked.size(); i++)
    {
        JsonbValue recorded;
        const char *name = pass.asked[i].name;
        if (getKeyJsonValueFromContainer(&fields->root, name, static_cast<int>(std::strlen(name)), &recorded) !=
            nullptr)
        {
            FieldWas &field = pass.changes.fields[i];
            if (field.was)
                pfree(DatumGetPointer(*field.was));
            field = {true, value_before(recorded)};
        }
    }
    if (PointerGetDatum(fields) != datum)
        pfree(fields);
}

// The fields of a change; a large value is left out of a list, which has an end.
JsonbValue
told_fields(Datum fields)
{
    constexpr std::int64_t limit = 100'000;
    static constexpr JsonbKeys keys{"omitted_bytes"};

    const auto size = static_cast<std::int64_t>(toast_raw_datum_size(fields));
    if (size <= limit)
        return jsonb_value(fields);
    const JsonbValue bytes = json_number(size);
    return jsonb_object(keys, &bytes);
}

// A change as it is told.
JsonbValue
told(const HistoryRow &row)
{
    static constexpr JsonbKeys keys{"author",    "fields",    "db_user",    "version",     "previous",
                                    "operation", "status_to", "comment_id", "recorded_at", "status_from"};
    static_assert(keys.are_in_order);

    const JsonbValue values[] = {
        json_or_null(json_text, row.optional_text_here(&HistoryFacts::author)),
        json_or_null(told_fields, row.optional_value(&HistoryFacts::fields)),
        json_text(row.name_here(&HistoryFacts::db_user)),
        json_time(row.time(&HistoryFacts::version)),
        json_or_null(json_time, row.optional_time(&HistoryFacts::previous)),
        json_text(row.text_here(&HistoryFacts::operation)),
        json_or_null(json_text, row.optional_text_here(&HistoryFacts::status_to)),
        json_or_null(json_number, row.optional_bigint(&HistoryFacts::comment_id)),
        json_time(row.time(&HistoryFacts::recorded_at)),
        json_or_null(json_text, row.optional_text_here(&HistoryFacts::status_from)),
    };
    return jsonb_object(keys, values);
}

// Counts a change, and lists it if it is one of the latest.
void
list(ChangesSince &changes, JsonbValue *listed, const HistoryRow &row)
{
    if (changes.total++ == 0)
        changes.last_author = row.optional_text(&HistoryFacts::author).value_or(row.name(&HistoryFacts::db_user));
    if (const std::size_t count = changes.latest.size(); count < most_changes)
    {
        listed[count] = told(row);
        changes.latest = {listed, count + 1};
    }
}

// Takes in the next older row; false when there is no more to know.
bool
take(Pass &pass, const HistoryRow &row)
{
    ChangesSince &changes = pass.changes;
    const core::Timestamp version = row.time(&HistoryFacts::version);
    if (version <= core::latest_of_version(changes.base))
    {
        changes.base_recorded_at = row.time(&HistoryFacts::recorded_at);
        return false;
    }
    row.read_all();
    if (!changes.head)
        changes.head = version;
    if (is_request(pass, row))
        changes.applied = AppliedRequest{version, row.optional_bigint(&HistoryFacts::comment_id)};
    if (changes.first && changes.first->status_from && *changes.first->status_from)
        pfree(const_cast<char *>((*changes.first->status_from)->data()));
    changes.first = FirstChange{row.optional_time(&HistoryFacts::previous), std::nullopt};
    const std::string_view operation = row.text_here(&HistoryFacts::operation);
    if (pass.wants_status && operation != "insert")
        changes.first->status_from = row.optional_text(&HistoryFacts::status_from);
    changes.are_updates = changes.are_updates && operation == "update";
    if (pass.request.merge || !pass.asked.empty())
        if (const std::optional<Datum> fields = row.optional_value(&HistoryFacts::fields))
            take_fields(pass, *fields);

    if (pass.listed != nullptr)
        list(changes, pass.listed, row);
    return true;
}

}  // namespace

bool
ChangesSince::is_base_followed() const
{
    return first && first->previous && core::same_version(*first->previous, base);
}

ChangesSince
read_changes_since(const AttachedTable &table, const Key &key, const core::Request &request, Fields fields,
                   Snapshot snapshot)
{
    const Readable readable = readable_history(table);
    JsonbValue *listed = static_cast<JsonbValue *>(palloc(most_changes * sizeof(JsonbValue)));
    Pass pass = {.table = table,
                 .key = key,
                 .request = request,
                 .asked = fields,
                 .wants_status = request.status || !table->merge_groups.of(table->customers.status).empty(),
                 .listed = readable == Readable::everything ? listed : nullptr};
    pass.changes.base = request.base;
    pass.changes.readable = readable;
    FieldWas *were = static_cast<FieldWas *>(palloc((fields.size() + 1) * sizeof(FieldWas)));
    std::fill_n(were, fields.size(), FieldWas{false, std::nullopt});
    pass.changes.fields = {were, fields.size()};

    const core::Timestamp above = core::shifted(core::earliest_of_version(request.base), -1);
    each_row(table, changes_after, key, TimestampTzGetDatum(above.us), snapshot,
             [&](const HistoryRow &row) { return take(pass, row); });
    return pass.changes;
}

void
read_visible(const AttachedTable &table, const Key &key, Snapshot snapshot, ChangesSince &changes)
{
    if (changes.readable != Readable::by_row_security)
        return;
    JsonbValue *listed = static_cast<JsonbValue *>(palloc(most_changes * sizeof(JsonbValue)));
    changes.total = 0;
    changes.latest = {};
    changes.last_author = {};
    each_row(table, visible_changes_after, key, TimestampTzGetDatum(core::latest_of_version(changes.base).us), snapshot,
             [&](const HistoryRow &row) {
                 list(changes, listed, row);
                 return true;
             });
}

void
add_changes(JsonBuilder &json, const ChangesSince &changes)
{
    if (changes.readable == Readable::nothing)
        return;
    json.key("changes");
    json.open_array();
    for (std::size_t i = changes.latest.size(); i-- > 0;)
        json.add(changes.latest[i]);
    json.close_array();
    json.key("changes_total");
    json.number(changes.total);
}

}  // namespace crm
